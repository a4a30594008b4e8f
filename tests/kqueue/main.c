/* SPDX-License-Identifier: MIT */
/* The suites of the library, over its kqueue backend, and those of the backend and of the kqueue beneath it. */
#include <check.h>
#include <stdlib.h>

Suite *kqueue_backend_suite(void);
Suite *kqueue_stand_in_suite(void);
Suite *library_blocked_suite(void);
Suite *library_check_order_suite(void);
Suite *library_connect_host_suite(void);
Suite *library_cost_suite(void);
Suite *library_ends_suite(void);
Suite *library_faults_suite(void);
Suite *library_fork_suite(void);
Suite *library_hang_ups_suite(void);
Suite *library_hang_ups_posix_suite(void);
Suite *library_modes_suite(void);
Suite *library_null_handles_suite(void);
Suite *library_own_port_suite(void);
Suite *library_poll_suite(void);
Suite *library_random_walk_suite(void);
Suite *library_registering_suite(void);
Suite *library_scenario_suite(void);
Suite *library_stream_limits_suite(void);
Suite *library_system_calls_suite(void);
Suite *library_tcp_suite(void);
Suite *library_threads_suite(void);
Suite *library_wake_suite(void);

/* One a line. */
/* clang-format off */
static Suite *(*const suites[])(void) = {
    kqueue_stand_in_suite,
    kqueue_backend_suite,
    library_blocked_suite,
    library_check_order_suite,
    library_connect_host_suite,
    library_cost_suite,
    library_ends_suite,
    library_faults_suite,
    library_fork_suite,
    library_hang_ups_suite,
    library_hang_ups_posix_suite,
    library_modes_suite,
    library_null_handles_suite,
    library_own_port_suite,
    library_poll_suite,
    library_random_walk_suite,
    library_registering_suite,
    library_scenario_suite,
    library_stream_limits_suite,
    library_system_calls_suite,
    library_tcp_suite,
    library_threads_suite,
    library_wake_suite,
};
/* clang-format on */

int main(void)
{
    SRunner *runner = srunner_create(NULL);

    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
        srunner_add_suite(runner, suites[i]());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
