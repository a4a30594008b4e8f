/* SPDX-License-Identifier: MIT */
/* `minimioctl call`, `ping`, `hello`, `list` and `stats` with a daemon; the options and texts of the whole. */
#include "tests/client/run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *client_call_suite(void);

static struct minimiod minimiod;

static void set_up(void)
{
    start_minimiod(&minimiod, NULL);
    setenv("MINIMIO_SOCKET", minimiod.socket, 1);
}

static void tear_down(void)
{
    unsetenv("MINIMIO_SOCKET");
    stop_minimiod(&minimiod);
}

START_TEST(call_prints_the_result)
{
    assert_run(0, "{}\n", NULL, "call", "ping");
    assert_run(0, "\"server\":\"minimiod\"", NULL, "call", "hello");
    assert_run(0, "\"registrations\":[]", NULL, "call", "list", "{\"limit\": 5}");
    assert_run(0, "\"registrations\":[]", NULL, "call", "list", "[null, 5]");
}
END_TEST

START_TEST(call_tells_the_daemons_errors)
{
    assert_run(1, NULL, "(METHOD_NOT_FOUND)", "call", "no_such\"method");
    assert_run(1, NULL, "(INVALID_PARAMS)", "call", "list", "{\"limit\": 0}");
    assert_run(1, NULL, "(TOKEN_UNKNOWN)", "call", "deregister", "[1]");
}
END_TEST

START_TEST(call_reads_parameters_from_standard_input)
{
    struct process process;

    process_start(&process, true, ARGUMENTS("call", "list", "-"));
    process_write(&process, "{\n  \"limit\": 5\n}\n");
    process_close_input(&process);
    assert_ends(&process, 0, "\"registrations\":[]", NULL);
}
END_TEST

START_TEST(call_checks_the_parameters)
{
    assert_run(2, NULL, "not JSON", "call", "list", "{");
    assert_run(2, NULL, "not JSON", "call", "list", "");
    assert_run(2, NULL, "more than one", "call", "list", "{},\"id\":7");
    assert_run(2, NULL, "quote the parameters", "call", "list", "{}", "{}");
    assert_run(2, NULL, "missing method", "call");
    assert_run(0, "register", NULL, "call", "--help");
}
END_TEST

START_TEST(ping_measures)
{
    assert_run(0, "minimiod answered in ", NULL, "ping");
    assert_run(0, "{\"round_trip_us\":", NULL, "ping", "--json");
    assert_run(0, "minimiod answered in ", NULL, "--timeout", "10s", "ping", "--wait", "1s");
    assert_run(2, NULL, "unexpected argument 'pong'", "ping", "pong");
}
END_TEST

START_TEST(the_daemon_is_shown)
{
    assert_run(0, "server ", NULL, "hello");
    assert_run(0, "limits.sessions ", NULL, "hello");
    assert_run(0, "\"protocol\":1", NULL, "hello", "--json");
    assert_run(0, "uptime ", NULL, "stats");
    assert_run(0, "limits.message_bytes ", NULL, "stats");
    assert_run(0, " 256K\n", NULL, "stats");
    assert_run(0, "\"sessions\":", NULL, "--json", "stats");
    assert_run(0, "TOKEN  STATE  INTERESTS  MODE  PENDING  ADDRESS  LOCAL  PEER\n", NULL, "list");
    assert_run(0, NULL, NULL, "list", "--json");
    assert_run(0, "\"openrpc\":", NULL, "discover");
    assert_run(2, NULL, "unexpected argument 'x'", "discover", "x");
    assert_run(0, "OpenRPC document.\n", NULL, "discover", "--help");
}
END_TEST

/* $0 is minimioctl. */
#define SHELL(script)                                                                                                  \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        "sh", "-c", script, built_program("minimioctl"), NULL                                                          \
    }

START_TEST(output_that_does_not_arrive_is_a_failure)
{
    assert_runs(SHELL("\"$0\" hello >/dev/full"), 1, NULL, "standard output");
}
END_TEST

/* The reader is gone before the program begins, whether it was told to ignore SIGPIPE or not. */
START_TEST(a_broken_pipe_is_silent)
{
    static const char *const scripts[] = {"read go; \"$0\" hello", "trap '' PIPE; read go; \"$0\" hello"};

    for (size_t i = 0; i < 2; i++) {
        struct process process;

        process_start(&process, true, SHELL(scripts[i]));
        close(process.out.fd);
        process.out.fd = -1;
        process_write(&process, "go\n");
        assert_ends(&process, 128 + SIGPIPE, NULL, NULL);
    }
}
END_TEST

START_TEST(ping_waits_as_long_as_told)
{
    assert_run(124, NULL, "Is minimiod running?", "ping", "--wait", "50ms", "--socket", "/nowhere/minimio.sock");
}
END_TEST

START_TEST(an_absent_daemon_is_explained)
{
    assert_run(1, NULL, "minimiod --socket /nowhere/minimio.sock", "--socket=/nowhere/minimio.sock", "ping");
    setenv("MINIMIO_SOCKET", "/nowhere/else.sock", 1);
    assert_run(1, NULL, "cannot connect to /nowhere/else.sock: No such file", "stats");
    unsetenv("MINIMIO_SOCKET");
    setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
    assert_run(1, NULL, "cannot connect to /nowhere/minimio.sock", "list");
}
END_TEST

START_TEST(the_whole_is_explained)
{

    assert_runs(((const char *const[]){built_program("minimioctl"), NULL}), 2, NULL, "usage: minimioctl COMMAND");
    assert_run(0, "usage: minimioctl COMMAND", NULL, "--help");
    assert_run(0, "usage: minimioctl COMMAND", NULL, "help");
    assert_run(0, "minimioctl 0", NULL, "--version");
    assert_run(0, "minimioctl 0", NULL, "ping", "--version");
    assert_run(2, NULL, "there is no command 'frobnicate'", "frobnicate");
    assert_run(2, NULL, "there is no command 'frobnicate'", "help", "frobnicate");
    assert_run(2, NULL, "--help", "--frobnicate");
    assert_run(2, NULL, "invalid --socket '': a path\nusage: minimioctl COMMAND", "--socket", "", "ping");
}
END_TEST

START_TEST(a_socket_path_too_long_is_refused)
{
    char path[200];

    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_run(2, NULL, "too long: at most 107", "--socket", path, "ping");
}
END_TEST

Suite *client_call_suite(void)
{
    Suite *suite = suite_create("client_call");
    TCase *with_daemon = tcase_create("with a daemon");
    TCase *without = tcase_create("without");

    tcase_set_timeout(with_daemon, 60);
    tcase_add_checked_fixture(with_daemon, set_up, tear_down);
    tcase_add_test(with_daemon, call_prints_the_result);
    tcase_add_test(with_daemon, call_tells_the_daemons_errors);
    tcase_add_test(with_daemon, call_reads_parameters_from_standard_input);
    tcase_add_test(with_daemon, call_checks_the_parameters);
    tcase_add_test(with_daemon, ping_measures);
    tcase_add_test(with_daemon, the_daemon_is_shown);
    tcase_add_test(with_daemon, output_that_does_not_arrive_is_a_failure);
    tcase_add_test(with_daemon, a_broken_pipe_is_silent);
    suite_add_tcase(suite, with_daemon);
    tcase_set_timeout(without, 60);
    tcase_add_test(without, ping_waits_as_long_as_told);
    tcase_add_test(without, an_absent_daemon_is_explained);
    tcase_add_test(without, the_whole_is_explained);
    tcase_add_test(without, a_socket_path_too_long_is_refused);
    suite_add_tcase(suite, without);
    return suite;
}
