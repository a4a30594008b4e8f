/* SPDX-License-Identifier: MIT */
/* The commands of minimioctl that share the events of a loop: events and run as workers, and checkout. */
#include "tests/client/network.h"
#include "tests/client/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *client_workers_suite(void);

static struct minimiod minimiod;
static struct port port;

static void set_up(void)
{
    start_minimiod(&minimiod, NULL);
    setenv("MINIMIO_SOCKET", minimiod.socket, 1);
    port_open(&port);
}

static void tear_down(void)
{
    unsetenv("MINIMIO_SOCKET");
    port_close(&port);
    stop_minimiod(&minimiod);
}

/* Registers a connection in the pool "p". Returns the peer's end. */
static int add_connection(const char *token)
{
    assert_run(0, port.address, NULL, "register", "--loop", "p", "--interests", "writable", token, port.address);
    return port_accept(&port);
}

static void assert_prints(struct process *process, const char *text)
{
    ck_assert_msg(process_await_text(process, &process->out, text, PROCESS_TIMEOUT_MS), "'%s' did not come: %s%s", text,
                  process->out.text, process->err.text);
}

static void assert_receives(int fd, const char *expected)
{
    char text[256];
    size_t length = strlen(expected);

    ck_assert_int_eq(recv(fd, text, length, MSG_WAITALL), (ssize_t)length);
    ck_assert_int_eq(memcmp(text, expected, length), 0);
}

static void assert_peer_closed(int fd)
{
    char byte;

    ck_assert_int_eq(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

#define CHECKOUT(...) ARGUMENTS("checkout", "--loop", "p", __VA_ARGS__)

/* ---- checkout --------------------------------------------------------------------------------------------------- */

START_TEST(a_command_has_a_connection_and_gives_it_back)
{
    struct process process;
    int peer = add_connection("1");

    for (int i = 0; i < 3; i++) {
        process_start(&process, false, CHECKOUT("--", "sh", "-c", "echo request; read -r reply; echo $reply >&2"));
        assert_receives(peer, "request\n");
        fake_daemon_say(peer, "reply\n");
        assert_ends(&process, 0, NULL, "reply\n");
    }
    process_start(&process, false,
                  CHECKOUT("--fd", "3", "--", "sh", "-c",
                           "echo request >&3; read -r reply <&3; echo $reply $MINIMIO_FD $MINIMIO_READINESS"));
    assert_receives(peer, "request\n");
    fake_daemon_say(peer, "reply\n");
    assert_ends(&process, 0, "reply 3 writable\n", NULL);
    assert_run(0, "1  disarmed  writable  ", NULL, "list", "--loop", "p");
    assert_run(0, "\"redeliveries\":0", NULL, "stats", "--json");
    close(peer);
}
END_TEST

START_TEST(a_connection_of_a_failed_command_is_closed)
{
    int first = add_connection("1"), second;

    assert_runs(CHECKOUT("--", "sh", "-c", "exit 7"), 7, NULL, NULL);
    assert_peer_closed(first);
    assert_run(0, "TOKEN  STATE  INTERESTS  MODE  PENDING  ADDRESS  LOCAL  PEER\n", NULL, "list", "--loop", "p");
    second = add_connection("2");
    assert_runs(CHECKOUT("--", "sh", "-c", "kill -9 $$"), 137, NULL, NULL);
    assert_peer_closed(second);
    assert_runs(CHECKOUT("--", "true"), 1, NULL, "no connection: no token waits for writable\n'minimioctl register");
}
END_TEST

START_TEST(a_command_that_cannot_run_leaves_the_connection)
{
    int peer = add_connection("1");

    assert_runs(CHECKOUT("--", "tpyo"), 127, NULL, "cannot run 'tpyo'");
    assert_runs(CHECKOUT("--fd", "5", "--", "/"), 126, NULL, "cannot run '/'");
    assert_runs(CHECKOUT("--", "true"), 0, NULL, NULL);
    assert_runs(ARGUMENTS("checkout", "--loop", "p"), 2, NULL, "missing command: -- COMMAND");
    assert_runs(CHECKOUT("x", "--", "true"), 2, NULL, "unexpected argument 'x'");
    assert_runs(CHECKOUT("--fd", "1024", "--", "true"), 2, NULL, "invalid --fd '1024'");
    assert_run(2, NULL, "missing required option --loop", "checkout", "--", "true");
    assert_run(1, NULL, "there is no loop 'q'", "checkout", "--loop", "q", "--", "true");
    close(peer);
}
END_TEST

START_TEST(a_busy_pool_is_waited_for)
{
    struct process first, second;
    int peer = add_connection("1");

    process_start(&first, false, CHECKOUT("--", "sh", "-c", "echo go; read -r word; echo $word >&2"));
    assert_receives(peer, "go\n");
    assert_times_out(NULL, "no connection was free in time\n", "checkout", "--loop", "p", "--timeout", "100ms", "--",
                     "false");
    process_start(&second, false, CHECKOUT("--timeout", "1h", "--", "echo", "second"));
    fake_daemon_say(peer, "first\n");
    assert_ends(&first, 0, NULL, "first\n");
    assert_receives(peer, "second\n");
    assert_ends(&second, 0, NULL, NULL);
    close(peer);
}
END_TEST

/* The command of the killed checkout has sent half a request, and the reply never comes to the next command. */
START_TEST(a_connection_of_a_killed_checkout_is_connected_anew)
{
    struct process process;
    int first = add_connection("1"), second;

    process_start(&process, false, CHECKOUT("--", "sh", "-c", "echo half; exec sleep 1000"));
    assert_receives(first, "half\n");
    assert_run(0, "1  leased  ", NULL, "list", "--loop", "p");
    kill(process.pid, SIGKILL);
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 128 + SIGKILL);
    process_free(&process);
    process_start(&process, false, CHECKOUT("--", "sh", "-c", "echo whole; read -r reply; echo $reply >&2"));
    assert_peer_closed(first);
    second = port_accept(&port);
    assert_receives(second, "whole\n");
    fake_daemon_say(second, "reply\n");
    assert_ends(&process, 0, NULL, "reply\n");
    assert_run(0, "\"redeliveries\":1", NULL, "stats", "--json");
    close(second);
}
END_TEST

START_TEST(a_connection_that_the_server_has_closed_is_connected_anew)
{
    struct process process;
    int first = add_connection("1"), second;

    close(first);
    process_start(&process, false, CHECKOUT("--", "echo", "hello"));
    second = port_accept(&port);
    assert_receives(second, "hello\n");
    assert_ends(&process, 0, NULL, NULL);
    close(second);
    port_close(&port);
    port_bind(&port);
    assert_runs(CHECKOUT("--", "true"), 1, NULL, "no token waits for writable");
}
END_TEST

START_TEST(a_pool_of_poll_delivery_is_a_pool)
{
    int peer;

    assert_run(0, "poll", NULL, "call", "open_loop", "{\"name\":\"p\",\"delivery\":\"poll\"}");
    peer = add_connection("1");
    for (int i = 0; i < 3; i++) {
        assert_runs(CHECKOUT("--", "echo", "x"), 0, NULL, NULL);
        assert_receives(peer, "x\n");
    }
    close(peer);
}
END_TEST

START_TEST(a_loop_that_is_no_pool_is_refused)
{
    int peer, idle;

    assert_run(0, port.address, NULL, "register", "--loop", "p", "1", port.address);
    peer = port_accept(&port);
    assert_runs(CHECKOUT("--", "true"), 1, NULL, "loop 'p' has no connection");
    fake_daemon_say(peer, "x");
    assert_run(0, "1  127.0.0.1:", NULL, "events", "--loop", "p", "--count", "1");
    idle = add_connection("2");
    assert_runs(CHECKOUT("--", "false"), 1, NULL, "token 1 does not wait for writable: loop 'p' is no pool");
    assert_run(0, "x", NULL, "read", "--loop", "p", "1");
    close(peer);
    close(idle);
}
END_TEST

/* ---- run -------------------------------------------------------------------------------------------------------- */

/* Both commands run at the same time: each waits for a line that the test sends after both have begun. */
START_TEST(workers_run_at_the_same_time)
{
    struct process process;
    int first = add_connection("1"), second = add_connection("2");

    process_start(&process, false,
                  ARGUMENTS("run", "--loop", "p", "--workers", "2", "--count", "2", "--", "sh", "-c",
                            "echo $MINIMIO_TOKEN; read -r word; echo $word >&2"));
    assert_receives(first, "1\n");
    assert_receives(second, "2\n");
    assert_run(0, "p       0        2      0  2w", NULL, "loops");
    assert_run(0, "\"leases\":2", NULL, "stats", "--json");
    fake_daemon_say(first, "one\n");
    fake_daemon_say(second, "two\n");
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 0);
    assert_holds(process.err.text, "one\n");
    assert_holds(process.err.text, "two\n");
    process_free(&process);
    assert_run(0, "2  disarmed  writable  ", NULL, "list", "--loop", "p");
    close(first);
    close(second);
}
END_TEST

START_TEST(a_worker_ends_streams_of_failed_commands)
{
    int first = add_connection("1"), second = add_connection("2");

    assert_run(3, NULL, NULL, "run", "--loop", "p", "--worker", "--count", "2", "--", "sh", "-c",
               "[ $MINIMIO_TOKEN = 1 ] || exit 3");
    assert_peer_closed(second);
    assert_run(0, "1  disarmed  writable  ", NULL, "list", "--loop", "p");
    assert_run(2, NULL, "mutually exclusive", "run", "--loop", "p", "--worker", "--back", "--", "true");
    assert_run(2, NULL, "invalid --workers '0'", "run", "--loop", "p", "--workers", "0", "--", "true");
    close(first);
}
END_TEST

START_TEST(a_stream_of_a_killed_worker_is_redelivered)
{
    struct process process;
    int peer = add_connection("1");

    process_start(&process, false,
                  ARGUMENTS("run", "--loop", "p", "--worker", "--", "sh", "-c", "echo a; exec sleep 1000"));
    assert_receives(peer, "a\n");
    kill(process.pid, SIGKILL);
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 128 + SIGKILL);
    process_free(&process);
    assert_run(0, NULL, "writable,redelivered\n", "run", "--loop", "p", "--worker", "--count", "1", "--", "sh", "-c",
               "echo $MINIMIO_READINESS >&2");
    close(peer);
}
END_TEST

START_TEST(workers_end_with_their_loop)
{
    struct process process;
    int peer = add_connection("1");

    process_start(&process, false,
                  ARGUMENTS("run", "--loop", "p", "--workers", "2", "--", "sh", "-c", "echo a; read -r word"));
    assert_receives(peer, "a\n");
    assert_run(0, NULL, NULL, "close-loop", "--loop", "p");
    fake_daemon_say(peer, "b\n");
    assert_ends(&process, 1, NULL, "closed");
    close(peer);
}
END_TEST

START_TEST(a_stream_that_a_guest_registers_is_run_too)
{
    char script[256];
    int first = add_connection("1"), second;
    struct process process;

    snprintf(script, sizeof script,
             "echo $MINIMIO_TOKEN >&2; [ $MINIMIO_TOKEN = 2 ] || "
             "%s register --loop p --interests writable 2 %s >/dev/null",
             built_program("minimioctl"), port.address);
    process_start(&process, false, ARGUMENTS("run", "--loop", "p", "--", "sh", "-c", script));
    second = port_accept(&port);
    assert_ends(&process, 0, NULL, "1\n2\n");
    close(first);
    close(second);
}
END_TEST

/* ---- events ----------------------------------------------------------------------------------------------------- */

START_TEST(workers_share_the_events)
{
    struct process process;
    int first = add_connection("1"), second = add_connection("2");

    process_start(&process, false, ARGUMENTS("events", "--loop", "p", "--worker", "--prefetch", "1"));
    assert_prints(&process, "1  127.0.0.1:");
    assert_run(1, NULL, "(LEASED)\n", "read", "--loop", "p", "1");
    assert_run(0, "  leased\n", NULL, "register", "--loop", "p", "--ensure", "1", port.address);
    assert_run(0, "{\"token\":1,\"leased\":true}\n", NULL, "register", "--json", "--loop", "p", "--ensure", "1",
               port.address);
    assert_run(1, NULL, "(TOKEN_EXISTS)\n", "register", "--loop", "p", "1", port.address);
    assert_run(0, "2  127.0.0.1:", NULL, "events", "--loop", "p", "--worker", "--count", "1");
    assert_run(0, NULL, NULL, "deregister", "--loop", "p", "1");
    assert_prints(&process, "2  127.0.0.1:");
    assert_prints(&process, "writable,redelivered\n");
    kill(process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 128 + SIGTERM);
    process_free(&process);
    assert_run(0, "\"redelivered\":true", NULL, "events", "--loop", "p", "--json", "--count", "1");
    assert_run(2, NULL, "--prefetch needs --worker", "events", "--loop", "p", "--prefetch", "2");
    assert_run(2, NULL, "--now and --worker are mutually exclusive", "events", "--loop", "p", "--worker", "--now");
    close(first);
    close(second);
}
END_TEST

Suite *client_workers_suite(void)
{
    Suite *suite = suite_create("client_workers");
    TCase *commands = tcase_create("workers");

    tcase_set_timeout(commands, 120);
    tcase_add_checked_fixture(commands, set_up, tear_down);
    tcase_add_test(commands, a_command_has_a_connection_and_gives_it_back);
    tcase_add_test(commands, a_connection_of_a_failed_command_is_closed);
    tcase_add_test(commands, a_command_that_cannot_run_leaves_the_connection);
    tcase_add_test(commands, a_busy_pool_is_waited_for);
    tcase_add_test(commands, a_connection_of_a_killed_checkout_is_connected_anew);
    tcase_add_test(commands, a_connection_that_the_server_has_closed_is_connected_anew);
    tcase_add_test(commands, a_pool_of_poll_delivery_is_a_pool);
    tcase_add_test(commands, a_loop_that_is_no_pool_is_refused);
    tcase_add_test(commands, workers_run_at_the_same_time);
    tcase_add_test(commands, a_worker_ends_streams_of_failed_commands);
    tcase_add_test(commands, a_stream_of_a_killed_worker_is_redelivered);
    tcase_add_test(commands, workers_end_with_their_loop);
    tcase_add_test(commands, a_stream_that_a_guest_registers_is_run_too);
    tcase_add_test(commands, workers_share_the_events);
    suite_add_tcase(suite, commands);
    return suite;
}
