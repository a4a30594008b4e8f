/* SPDX-License-Identifier: MIT */
/* The suite of the library that does not compile on Windows: what it tests is not there. */
#include "tests/library/support.h"

#define NO_FORK "processes are not forked"

Suite *library_fork_suite(void);

ABSENT_TEST(a_child_that_exits_affects_nothing, "windows", NO_FORK)
ABSENT_TEST(a_child_that_frees_everything_affects_nothing, "windows", NO_FORK)
ABSENT_TEST(a_child_that_uses_it_all_the_same_is_refused, "windows", NO_FORK)
ABSENT_TEST(a_child_that_execs_inherits_no_descriptor, "windows", NO_FORK)
ABSENT_TEST(a_child_frees_what_was_locked_when_it_was_forked, "windows", NO_FORK)

Suite *library_fork_suite(void)
{
    Suite *suite = suite_create("library_fork");
    TCase *tests = tcase_create("fork");

    tcase_add_test(tests, a_child_that_exits_affects_nothing);
    tcase_add_test(tests, a_child_that_frees_everything_affects_nothing);
    tcase_add_test(tests, a_child_that_uses_it_all_the_same_is_refused);
    tcase_add_test(tests, a_child_that_execs_inherits_no_descriptor);
    tcase_add_test(tests, a_child_frees_what_was_locked_when_it_was_forked);
    suite_add_tcase(suite, tests);
    return suite;
}
