/* SPDX-License-Identifier: MIT */
/*
 * Every suite in one program, so that a run ends with one line of Check's. CK_RUN_SUITE=name runs one of them.
 * A suite is a function NAME_suite: declared here, listed here.
 */
#include <check.h>
#include <stdlib.h>

Suite *client_broken_daemon_suite(void);
Suite *client_call_suite(void);
Suite *client_library_suite(void);
Suite *client_loops_suite(void);
Suite *client_metrics_suite(void);
Suite *client_scripts_suite(void);
Suite *client_wait_suite(void);
Suite *client_watch_suite(void);
Suite *daemon_access_suite(void);
Suite *daemon_adopting_suite(void);
Suite *daemon_clients_suite(void);
Suite *daemon_config_suite(void);
Suite *daemon_connecting_suite(void);
Suite *daemon_data_suite(void);
Suite *daemon_descriptors_suite(void);
Suite *daemon_discover_suite(void);
Suite *daemon_ended_clients_suite(void);
Suite *daemon_envelope_suite(void);
Suite *daemon_framing_suite(void);
Suite *daemon_handover_suite(void);
Suite *daemon_hostile_suite(void);
Suite *daemon_keeping_suite(void);
Suite *daemon_killed_clients_suite(void);
Suite *daemon_left_loops_suite(void);
Suite *daemon_intruders_suite(void);
Suite *daemon_lifetime_suite(void);
Suite *daemon_loop_users_suite(void);
Suite *daemon_loops_suite(void);
Suite *daemon_memory_suite(void);
Suite *daemon_model_suite(void);
Suite *daemon_names_suite(void);
Suite *daemon_order_suite(void);
Suite *daemon_own_suite(void);
Suite *daemon_polling_batches_suite(void);
Suite *daemon_polling_suite(void);
Suite *daemon_pressure_suite(void);
Suite *daemon_reload_suite(void);
Suite *daemon_resets_suite(void);
Suite *daemon_rules_suite(void);
Suite *daemon_service_suite(void);
Suite *daemon_streams_suite(void);
Suite *daemon_taking_suite(void);
Suite *daemon_unclaimed_suite(void);
Suite *daemon_vectors_suite(void);
Suite *example_delay_server_suite(void);
Suite *fuzz_suite(void);
Suite *installed_suite(void);
Suite *library_connect_host_suite(void);
Suite *library_faults_suite(void);
Suite *library_ends_suite(void);
Suite *library_check_order_suite(void);
Suite *library_cost_suite(void);
Suite *library_blocked_suite(void);
Suite *library_fork_suite(void);
Suite *library_null_handles_suite(void);
Suite *library_modes_suite(void);
Suite *library_poll_suite(void);
Suite *library_random_walk_suite(void);
Suite *library_registering_suite(void);
Suite *library_scenario_suite(void);
Suite *library_stream_limits_suite(void);
Suite *library_system_calls_suite(void);
Suite *library_tcp_suite(void);
Suite *library_threads_suite(void);
Suite *library_wake_suite(void);
Suite *socket_path_suite(void);
Suite *unit_address_suite(void);
Suite *faults_suite(void);
Suite *systemd_suite(void);
Suite *unit_base64_suite(void);
Suite *unit_buffer_suite(void);
Suite *unit_closer_suite(void);
Suite *unit_fault_suite(void);
Suite *unit_frame_suite(void);
Suite *unit_ledger_suite(void);
Suite *unit_limits_suite(void);
Suite *unit_log_suite(void);
Suite *unit_manual_suite(void);
Suite *unit_methods_suite(void);
Suite *unit_name_servers_suite(void);
Suite *unit_plain_suite(void);
Suite *unit_policy_suite(void);
Suite *unit_reply_suite(void);
Suite *unit_request_suite(void);
Suite *unit_rules_suite(void);
Suite *unit_scan_suite(void);
Suite *unit_service_suite(void);

/* One a line. */
/* clang-format off */
static Suite *(*const in_process[])(void) = {
    library_connect_host_suite,
    library_faults_suite,
    library_ends_suite,
    library_check_order_suite,
    library_cost_suite,
    library_blocked_suite,
    library_fork_suite,
    library_null_handles_suite,
    library_modes_suite,
    library_poll_suite,
    library_random_walk_suite,
    library_registering_suite,
    library_scenario_suite,
    library_stream_limits_suite,
    library_system_calls_suite,
    library_tcp_suite,
    library_threads_suite,
    library_wake_suite,
    socket_path_suite,
    unit_address_suite,
    unit_base64_suite,
    unit_buffer_suite,
    unit_closer_suite,
    unit_fault_suite,
    unit_frame_suite,
    unit_ledger_suite,
    unit_limits_suite,
    unit_log_suite,
    unit_manual_suite,
    unit_methods_suite,
    unit_name_servers_suite,
    unit_plain_suite,
    unit_policy_suite,
    unit_reply_suite,
    unit_request_suite,
    unit_rules_suite,
    unit_scan_suite,
    unit_service_suite,
    fuzz_suite,
    installed_suite,
    faults_suite,
    systemd_suite,
};

/* Those that start the programs of the build. */
static Suite *(*const of_programs[])(void) = {
    daemon_access_suite,
    daemon_adopting_suite,
    daemon_clients_suite,
    daemon_config_suite,
    daemon_connecting_suite,
    daemon_data_suite,
    daemon_descriptors_suite,
    daemon_discover_suite,
    daemon_ended_clients_suite,
    daemon_envelope_suite,
    daemon_framing_suite,
    daemon_handover_suite,
    daemon_hostile_suite,
    daemon_keeping_suite,
    daemon_killed_clients_suite,
    daemon_left_loops_suite,
    daemon_intruders_suite,
    daemon_lifetime_suite,
    daemon_loop_users_suite,
    daemon_loops_suite,
    daemon_memory_suite,
    daemon_model_suite,
    daemon_names_suite,
    daemon_order_suite,
    daemon_own_suite,
    daemon_polling_batches_suite,
    daemon_polling_suite,
    daemon_pressure_suite,
    daemon_reload_suite,
    daemon_resets_suite,
    daemon_rules_suite,
    daemon_service_suite,
    daemon_streams_suite,
    daemon_taking_suite,
    daemon_unclaimed_suite,
    daemon_vectors_suite,
    client_broken_daemon_suite,
    client_call_suite,
    client_library_suite,
    client_loops_suite,
    client_metrics_suite,
    client_scripts_suite,
    client_wait_suite,
    client_watch_suite,
    example_delay_server_suite,
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Under valgrind are the programs alone, and so are the suites that start them. */
int main(void)
{
    SRunner *runner = srunner_create(NULL);

    /* Check's own 4 s are soon over under a sanitizer on a busy machine; a test that hangs is found all the same. */
    setenv("CK_DEFAULT_TIMEOUT", "120", 0);
    for (size_t i = 0; i < COUNT(in_process) && !getenv("MINIMIO_VALGRIND"); i++)
        srunner_add_suite(runner, in_process[i]());
    for (size_t i = 0; i < COUNT(of_programs); i++)
        srunner_add_suite(runner, of_programs[i]());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
