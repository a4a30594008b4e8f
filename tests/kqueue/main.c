/* SPDX-License-Identifier: MIT */
/* The suites of the library, over its kqueue backend, and those of the backend and of the kqueue beneath it. */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

/* Their tests end the process or leave something in it, and have a process each under CK_FORK=suite too. */
static Suite *(*const forking[])(void) = {library_connect_host_suite, library_fork_suite, library_null_handles_suite};

static bool forks(Suite *(*suite)(void))
{
    for (size_t i = 0; i < sizeof(forking) / sizeof(forking[0]); i++)
        if (forking[i] == suite)
            return true;
    return false;
}

/* Runs the suites that fork, or the others. Returns the number of failures. */
static int run(bool are_forking, enum fork_status status)
{
    SRunner *runner = srunner_create(NULL);
    int failed;

    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
        if (forks(suites[i]) == are_forking)
            srunner_add_suite(runner, suites[i]());
    srunner_set_fork_status(runner, status);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

/* CK_FORK=suite: one process where that is possible, as tests/runner has it. */
int main(void)
{
    const char *fork_mode = getenv("CK_FORK");
    bool in_one = fork_mode && (strcmp(fork_mode, "suite") == 0 || strcmp(fork_mode, "no") == 0);
    int failed = run(false, in_one ? CK_NOFORK : CK_FORK);

    failed += run(true, fork_mode && strcmp(fork_mode, "no") == 0 ? CK_NOFORK : CK_FORK);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
