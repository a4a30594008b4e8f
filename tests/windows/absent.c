/* SPDX-License-Identifier: MIT */
/* The suites of the library that do not compile on Windows: what they test is not there, or they are to be ported. */
#include "tests/library/support.h"

#define NO_FORK    "processes are not forked"
#define NOT_PORTED "the suite is not ported to Windows yet"

Suite *library_fork_suite(void);
Suite *library_not_yet_suite(void);

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

/* Each by the name of its suite. */
ABSENT_TEST(library_blocked, "windows", NOT_PORTED)
ABSENT_TEST(library_check_order, "windows", NOT_PORTED)
ABSENT_TEST(library_cost, "windows", NOT_PORTED)
ABSENT_TEST(library_costs, "windows", NOT_PORTED)
ABSENT_TEST(library_ends, "windows", NOT_PORTED)
ABSENT_TEST(library_null_handles, "windows", NOT_PORTED)
ABSENT_TEST(library_stream_limits, "windows", NOT_PORTED)

Suite *library_not_yet_suite(void)
{
    Suite *suite = suite_create("library_not_yet");
    TCase *tests = tcase_create("not yet");

    tcase_add_test(tests, library_blocked);
    tcase_add_test(tests, library_check_order);
    tcase_add_test(tests, library_cost);
    tcase_add_test(tests, library_costs);
    tcase_add_test(tests, library_ends);
    tcase_add_test(tests, library_null_handles);
    tcase_add_test(tests, library_stream_limits);
    suite_add_tcase(suite, tests);
    return suite;
}
