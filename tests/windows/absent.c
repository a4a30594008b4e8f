/* SPDX-License-Identifier: MIT */
/* The suites of the library that do not compile on Windows: what they test is not there. */
#include "tests/library/support.h"

#define NO_FORK       "processes are not forked"
#define NO_ALLOCATOR  "the C library's allocator cannot be replaced in a program"
#define NO_LIMIT      "a process has no limit of handles that could be set"
#define NO_SUCH_CALLS "there is no epoll_pwait2 to do without"

Suite *library_faults_suite(void);
Suite *library_fork_suite(void);

ABSENT_TEST(every_allocation_of_a_new_queue_may_fail, "windows", NO_ALLOCATOR)
ABSENT_TEST(every_allocation_of_a_registration_may_fail, "windows", NO_ALLOCATOR)
ABSENT_TEST(every_allocation_of_a_stream_may_fail, "windows", NO_ALLOCATOR)
ABSENT_TEST(polling_and_waking_allocate_nothing, "windows", NO_ALLOCATOR)
ABSENT_TEST(without_descriptors_there_is_no_queue_and_no_stream, "windows", NO_LIMIT)
ABSENT_TEST(without_epoll_pwait2_milliseconds_are_rounded_up, "windows", NO_SUCH_CALLS)

Suite *library_faults_suite(void)
{
    Suite *suite = suite_create("library_faults");
    TCase *tests = tcase_create("faults");

    tcase_add_test(tests, every_allocation_of_a_new_queue_may_fail);
    tcase_add_test(tests, every_allocation_of_a_registration_may_fail);
    tcase_add_test(tests, every_allocation_of_a_stream_may_fail);
    tcase_add_test(tests, polling_and_waking_allocate_nothing);
    tcase_add_test(tests, without_descriptors_there_is_no_queue_and_no_stream);
    tcase_add_test(tests, without_epoll_pwait2_milliseconds_are_rounded_up);
    suite_add_tcase(suite, tests);
    return suite;
}

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
