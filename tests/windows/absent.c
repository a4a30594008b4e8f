/* SPDX-License-Identifier: MIT */
/* The suites of the library that do not compile on Windows, for what they test is not there. */
#include "tests/library/support.h"

#define NO_FORK         "processes are not forked"
#define NO_SYSTEM_CALLS "system calls are counted by Linux's own means"

Suite *library_fork_suite(void);
Suite *library_system_calls_suite(void);

ABSENT_TEST(a_child_that_exits_affects_nothing, "windows", NO_FORK)
ABSENT_TEST(a_child_that_frees_everything_affects_nothing, "windows", NO_FORK)
ABSENT_TEST(a_child_that_uses_it_all_the_same_is_refused, "windows", NO_FORK)
ABSENT_TEST(a_child_s_poll_is_refused_and_takes_no_event, "windows", NO_FORK)
ABSENT_TEST(a_child_may_make_a_queue_of_its_own, "windows", NO_FORK)
ABSENT_TEST(a_child_that_execs_inherits_no_descriptor, "windows", NO_FORK)
ABSENT_TEST(a_child_frees_what_was_locked_when_it_was_forked, "windows", NO_FORK)

Suite *library_fork_suite(void)
{
    Suite *suite = suite_create("library_fork");
    TCase *tests = tcase_create("fork");

    tcase_add_test(tests, a_child_that_exits_affects_nothing);
    tcase_add_test(tests, a_child_that_frees_everything_affects_nothing);
    tcase_add_test(tests, a_child_that_uses_it_all_the_same_is_refused);
    tcase_add_test(tests, a_child_s_poll_is_refused_and_takes_no_event);
    tcase_add_test(tests, a_child_may_make_a_queue_of_its_own);
    tcase_add_test(tests, a_child_that_execs_inherits_no_descriptor);
    tcase_add_test(tests, a_child_frees_what_was_locked_when_it_was_forked);
    suite_add_tcase(suite, tests);
    return suite;
}

ABSENT_TEST(an_event_costs_no_system_call_but_the_wait, "windows", NO_SYSTEM_CALLS)
ABSENT_TEST(events_cost_no_system_call_beyond_the_wait, "windows", NO_SYSTEM_CALLS)
ABSENT_TEST(arming_a_oneshot_anew_costs_one_system_call, "windows", NO_SYSTEM_CALLS)
ABSENT_TEST(finishing_a_connect_costs_two_system_calls, "windows", NO_SYSTEM_CALLS)
ABSENT_TEST(registering_a_known_socket_costs_one_system_call, "windows", NO_SYSTEM_CALLS)

Suite *library_system_calls_suite(void)
{
    Suite *suite = suite_create("library_system_calls");
    TCase *tests = tcase_create("system calls");

    tcase_add_test(tests, an_event_costs_no_system_call_but_the_wait);
    tcase_add_test(tests, events_cost_no_system_call_beyond_the_wait);
    tcase_add_test(tests, arming_a_oneshot_anew_costs_one_system_call);
    tcase_add_test(tests, finishing_a_connect_costs_two_system_calls);
    tcase_add_test(tests, registering_a_known_socket_costs_one_system_call);
    suite_add_tcase(suite, tests);
    return suite;
}
