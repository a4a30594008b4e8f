/* SPDX-License-Identifier: MIT */
/*
 * Every suite in one program, so that a run ends with one line in Check's form. CK_RUN_SUITE=name runs one suite.
 * A suite is a function NAME_suite: declared here, listed here.
 */
#include "tests/runner/runner.h"

#include <stdlib.h>

Suite *client_broken_daemon_suite(void);
Suite *client_call_suite(void);
Suite *client_library_suite(void);
Suite *client_loops_suite(void);
Suite *client_metrics_suite(void);
Suite *client_scripts_suite(void);
Suite *client_wait_suite(void);
Suite *client_watch_suite(void);
Suite *client_workers_suite(void);
Suite *daemon_access_suite(void);
Suite *daemon_adopting_suite(void);
Suite *daemon_cancel_suite(void);
Suite *daemon_clients_suite(void);
Suite *daemon_config_suite(void);
Suite *daemon_connecting_suite(void);
Suite *daemon_data_suite(void);
Suite *daemon_descriptors_suite(void);
Suite *daemon_discover_suite(void);
Suite *daemon_ended_clients_suite(void);
Suite *daemon_ensure_suite(void);
Suite *daemon_envelope_suite(void);
Suite *daemon_framing_suite(void);
Suite *daemon_handing_over_suite(void);
Suite *daemon_handover_suite(void);
Suite *daemon_hostile_suite(void);
Suite *daemon_keeping_suite(void);
Suite *daemon_killed_clients_suite(void);
Suite *daemon_left_loops_suite(void);
Suite *daemon_intruders_suite(void);
Suite *daemon_lifetime_suite(void);
Suite *daemon_lingering_suite(void);
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
Suite *daemon_roles_suite(void);
Suite *daemon_rules_suite(void);
Suite *daemon_service_suite(void);
Suite *daemon_shares_suite(void);
Suite *daemon_strangers_suite(void);
Suite *daemon_streams_suite(void);
Suite *daemon_taking_suite(void);
Suite *daemon_tracing_suite(void);
Suite *daemon_unclaimed_suite(void);
Suite *daemon_vectors_suite(void);
Suite *daemon_waiting_suite(void);
Suite *daemon_workers_suite(void);
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
Suite *library_hang_ups_suite(void);
Suite *library_hang_ups_posix_suite(void);
Suite *library_null_handles_suite(void);
Suite *library_own_port_suite(void);
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
Suite *rooms_suite(void);
Suite *runner_suite(void);
Suite *socket_path_suite(void);
Suite *unit_address_suite(void);
Suite *fairness_suite(void);
Suite *faults_suite(void);
Suite *systemd_suite(void);
Suite *names_suite(void);
Suite *unit_base64_suite(void);
Suite *unit_batches_suite(void);
Suite *unit_buffer_suite(void);
Suite *unit_closer_suite(void);
Suite *unit_fault_suite(void);
Suite *unit_frame_suite(void);
Suite *unit_invariants_suite(void);
Suite *unit_ledger_suite(void);
Suite *unit_leases_suite(void);
Suite *unit_limits_suite(void);
Suite *unit_log_suite(void);
Suite *unit_methods_suite(void);
Suite *unit_names_message_suite(void);
Suite *unit_number_suite(void);
Suite *unit_pending_suite(void);
Suite *unit_request_fast_suite(void);
Suite *unit_policy_suite(void);
Suite *unit_recorder_suite(void);
Suite *unit_reply_suite(void);
Suite *unit_request_suite(void);
Suite *unit_restore_suite(void);
Suite *unit_roles_suite(void);
Suite *unit_rules_suite(void);
Suite *unit_scan_suite(void);
Suite *unit_schedule_suite(void);
Suite *unit_service_suite(void);
Suite *unit_sessions_suite(void);
Suite *unit_streams_suite(void);
Suite *unit_takeovers_suite(void);
Suite *unit_text_suite(void);

/* About how many seconds each takes on a quiet machine. A suite that takes long has an entry for each of its test
 * cases, so that the cases run side by side. FORKS: a test needs a process of its own, as it ends the process, or
 * leaves something in it. ALONE: nothing else of the run may use the machine meanwhile. */
#define SUITE(name, seconds)                                                                                           \
    {                                                                                                                  \
#name, name##_suite, NULL, seconds, false, false                                                               \
    }
#define FORKS(name, seconds)                                                                                           \
    {                                                                                                                  \
#name, name##_suite, NULL, seconds, false, true                                                                \
    }
#define PART(name, test_case, seconds)                                                                                 \
    {                                                                                                                  \
#name, name##_suite, #test_case, seconds, false, false                                                         \
    }
#define ALONE(name, seconds)                                                                                           \
    {                                                                                                                  \
#name, name##_suite, NULL, seconds, true, false                                                                \
    }

/* Suites of what is linked with the tests, or that bring programs of their own. */
/* clang-format off */
static const struct job in_process[] = {
    FORKS(library_connect_host, 1),
    SUITE(library_faults, 1),
    SUITE(library_ends, 1),
    SUITE(library_check_order, 1),
    SUITE(library_cost, 4),
    SUITE(library_blocked, 1),
    FORKS(library_fork, 1),
    SUITE(library_hang_ups, 9),
    SUITE(library_hang_ups_posix, 8),
    FORKS(library_null_handles, 1),
    SUITE(library_own_port, 1),
    SUITE(library_modes, 1),
    SUITE(library_poll, 1),
    SUITE(library_random_walk, 1),
    SUITE(library_registering, 1),
    SUITE(library_scenario, 1),
    SUITE(library_stream_limits, 1),
    SUITE(library_system_calls, 1),
    SUITE(library_tcp, 1),
    SUITE(library_threads, 1),
    SUITE(library_wake, 1),
    SUITE(rooms, 6),
    SUITE(runner, 8),
    SUITE(socket_path, 1),
    SUITE(unit_address, 1),
    SUITE(unit_base64, 1),
    SUITE(unit_batches, 1),
    SUITE(unit_buffer, 1),
    FORKS(unit_closer, 1),
    SUITE(unit_fault, 1),
    SUITE(unit_frame, 1),
    SUITE(unit_invariants, 1),
    SUITE(unit_ledger, 1),
    SUITE(unit_leases, 1),
    SUITE(unit_limits, 1),
    FORKS(unit_log, 1),
    SUITE(unit_methods, 1),
    SUITE(unit_names_message, 1),
    SUITE(unit_number, 1),
    SUITE(unit_pending, 1),
    SUITE(unit_request_fast, 1),
    SUITE(unit_policy, 1),
    SUITE(unit_recorder, 1),
    SUITE(unit_reply, 1),
    SUITE(unit_request, 1),
    FORKS(unit_restore, 1),
    SUITE(unit_roles, 1),
    SUITE(unit_rules, 1),
    SUITE(unit_scan, 1),
    FORKS(unit_schedule, 1),
    FORKS(unit_service, 1),
    SUITE(unit_sessions, 1),
    FORKS(unit_streams, 1),
    SUITE(unit_takeovers, 1),
    SUITE(unit_text, 1),
    PART(fuzz, scan, 1),
    PART(fuzz, request, 1),
    PART(fuzz, session, 1),
    PART(fuzz, dictionary, 1),
    PART(fuzz, leaks, 1),
    PART(installed, names, 6),
    PART(installed, programs, 10),
    SUITE(fairness, 15),
    SUITE(faults, 45),
    PART(names, setups, 25),
    PART(names, shares, 20),
    PART(names, processes, 20),
    PART(names, addresses, 20),
    PART(systemd, activation, 10),
    PART(systemd, configuration, 8),
    PART(systemd, confinement, 7),
    PART(systemd, handover, 8),
    PART(systemd, last_copy, 10),
    PART(systemd, notify, 8),
    PART(systemd, restarts, 25),
    PART(systemd, start, 20),
    PART(systemd, strangers, 10),
    PART(systemd, units, 10),
    PART(systemd, users, 8),
    PART(systemd, watchdog, 12),
};

/* Suites that start the programs of the build. */
static const struct job of_programs[] = {
    SUITE(daemon_access, 1),
    SUITE(daemon_adopting, 1),
    SUITE(daemon_cancel, 1),
    SUITE(daemon_clients, 6),
    SUITE(daemon_config, 8),
    SUITE(daemon_connecting, 1),
    SUITE(daemon_data, 2),
    SUITE(daemon_descriptors, 1),
    SUITE(daemon_discover, 1),
    SUITE(daemon_ended_clients, 1),
    SUITE(daemon_ensure, 5),
    SUITE(daemon_envelope, 1),
    SUITE(daemon_framing, 1),
    SUITE(daemon_handing_over, 1),
    SUITE(daemon_handover, 6),
    SUITE(daemon_hostile, 1),
    SUITE(daemon_keeping, 10),
    SUITE(daemon_killed_clients, 7),
    SUITE(daemon_left_loops, 1),
    SUITE(daemon_intruders, 1),
    SUITE(daemon_lifetime, 8),
    SUITE(daemon_lingering, 3),
    SUITE(daemon_loop_users, 1),
    SUITE(daemon_loops, 1),
    SUITE(daemon_memory, 8),
    PART(daemon_model, model, 20),
    PART(daemon_model, soak, 20),
    SUITE(daemon_names, 1),
    SUITE(daemon_order, 1),
    SUITE(daemon_own, 1),
    SUITE(daemon_polling_batches, 1),
    SUITE(daemon_polling, 1),
    SUITE(daemon_pressure, 1),
    SUITE(daemon_reload, 3),
    SUITE(daemon_resets, 1),
    SUITE(daemon_roles, 1),
    SUITE(daemon_rules, 1),
    SUITE(daemon_service, 1),
    SUITE(daemon_shares, 4),
    SUITE(daemon_strangers, 3),
    SUITE(daemon_streams, 4),
    SUITE(daemon_taking, 2),
    SUITE(daemon_tracing, 3),
    SUITE(daemon_unclaimed, 4),
    SUITE(daemon_vectors, 1),
    SUITE(daemon_waiting, 2),
    PART(daemon_workers, workers, 2),
    PART(daemon_workers, leases, 2),
    PART(daemon_workers, unread, 2),
    SUITE(client_broken_daemon, 1),
    SUITE(client_call, 1),
    SUITE(client_library, 1),
    SUITE(client_loops, 6),
    SUITE(client_metrics, 1),
    PART(client_scripts, completions, 5),
    PART(client_scripts, clients, 10),
    PART(client_scripts, worker, 2),
    PART(client_scripts, services, 8),
    PART(client_scripts, redis, 4),
    PART(client_scripts, many, 4),
    PART(client_scripts, pool, 6),
    PART(client_scripts, hold, 3),
    PART(client_scripts, heartbeat, 2),
    PART(client_scripts, checkout, 3),
    PART(client_scripts, top, 4),
    PART(client_scripts, manners, 30),
    PART(client_scripts, first_process, 15),
    PART(client_scripts, upgrades, 9),
    PART(client_scripts, passed, 2),
    PART(client_scripts, places, 25),
    PART(client_scripts, wait, 25),
    PART(client_scripts, readme, 1),
    PART(client_scripts, protocol, 6),
    PART(client_scripts, addresses, 3),
    SUITE(client_wait, 5),
    SUITE(client_watch, 1),
    SUITE(client_workers, 3),
    SUITE(example_delay_server, 1),
};
/* clang-format on */

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Only the programs run under valgrind. */
int main(void)
{
    struct job jobs[COUNT(in_process) + COUNT(of_programs)];
    size_t count = 0;

    /* Check's own 4 s are too short for a sanitizer on a busy machine; a test that hangs is still found. */
    setenv("CK_DEFAULT_TIMEOUT", "120", 0);
    for (size_t i = 0; i < COUNT(in_process) && !getenv("MINIMIO_VALGRIND"); i++)
        jobs[count++] = in_process[i];
    for (size_t i = 0; i < COUNT(of_programs); i++)
        jobs[count++] = of_programs[i];
    return run_jobs(jobs, count);
}
