/* SPDX-License-Identifier: MIT */
/* `minimioctl watch` with a daemon and real streams. */
#include "tests/client/network.h"
#include "tests/client/run.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

Suite *client_watch_suite(void);

static struct minimiod minimiod;

static void set_up(void)
{
    start_minimiod(&minimiod, NULL);
}

static void tear_down(void)
{
    stop_minimiod(&minimiod);
}

#define WATCH(...) ARGUMENTS("--socket", minimiod.socket, "watch", __VA_ARGS__)

static void assert_prints(struct process *process, const char *text)
{
    ck_assert_msg(process_await_text(process, &process->out, text, PROCESS_TIMEOUT_MS), "'%s' did not come: %s%s", text,
                  process->out.text, process->err.text);
}

START_TEST(events_come_in_order_of_readiness)
{
    struct process process;
    struct port ports[2];
    int peers[2];
    char line[64];

    for (int i = 0; i < 2; i++)
        port_open(&ports[i]);
    process_start(&process, false, WATCH(ports[0].address, ports[1].address));
    for (int i = 0; i < 2; i++)
        peers[i] = port_accept(&ports[i]);
    for (int i = 1; i >= 0; i--) {
        fake_daemon_say(peers[i], "hello\n");
        snprintf(line, sizeof(line), "%d  %s  readable\n", i + 1, ports[i].address);
        assert_prints(&process, line);
    }
    ck_assert_int_eq(process.out.text[0], '2');
    for (int i = 0; i < 2; i++) {
        close(peers[i]);
        port_close(&ports[i]);
    }
    assert_ends(&process, 0, "read_closed", NULL);
}
END_TEST

START_TEST(json_is_one_object_a_line)
{
    struct process process;
    struct port port;
    char line[96];
    int peer;

    port_open(&port);
    process_start(&process, false, WATCH("--json", port.address));
    peer = port_accept(&port);
    fake_daemon_say(peer, "hello\n");
    snprintf(line, sizeof(line), "{\"token\":1,\"address\":\"%s\",\"readable\":true}\n", port.address);
    assert_prints(&process, line);
    close(peer);
    assert_ends(&process, 0, "\"read_closed\":true", NULL);
    port_close(&port);
}
END_TEST

START_TEST(what_cannot_be_registered_is_named)
{
    struct process process;
    struct port open, refusing;
    int peer;

    port_open(&open);
    port_bind(&refusing);
    process_start(&process, false, WATCH(open.address, refusing.address));
    peer = port_accept(&open);
    ck_assert(process_await_text(&process, &process.err, refusing.address, PROCESS_TIMEOUT_MS));
    close(peer);
    assert_ends(&process, 1, open.address, ": Connection refused\n");
    port_close(&open);
    port_close(&refusing);
}
END_TEST

START_TEST(a_count_ends_it)
{
    struct process process;
    struct port port;
    int peer;

    port_open(&port);
    process_start(&process, false, WATCH(port.address, "--count", "1"));
    peer = port_accept(&port);
    fake_daemon_say(peer, "hello\n");
    assert_ends(&process, 0, "  readable\n", NULL);
    close(peer);
    port_close(&port);
}
END_TEST

START_TEST(a_command_is_run_for_each_event)
{
    struct process process;
    struct port port;
    char line[96];
    int peer;

    port_open(&port);
    process_start(&process, false,
                  WATCH(port.address, "--exec",
                        "echo $MINIMIO_TOKEN $MINIMIO_ADDRESS $MINIMIO_READINESS; "
                        "test $MINIMIO_READINESS = readable"));
    peer = port_accept(&port);
    fake_daemon_say(peer, "hello\n");
    snprintf(line, sizeof(line), "1 %s readable\n", port.address);
    assert_prints(&process, line);
    close(peer);
    assert_ends(&process, 1, " readable,read_closed\n", NULL);
    port_close(&port);
}
END_TEST

START_TEST(oneshot_is_armed_again)
{
    struct process process;
    struct port port;
    int peer;

    port_open(&port);
    process_start(&process, false, WATCH("--mode", "oneshot", "--interests", "writable", "--count=3", port.address));
    peer = port_accept(&port);
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 0);
    for (const char *line = process.out.text, *end = line + process.out.length; line < end;
         line = strchr(line, '\n') + 1)
        assert_holds(line, "  writable\n");
    process_free(&process);
    close(peer);
    port_close(&port);
}
END_TEST

START_TEST(a_timeout_ends_it)
{
    struct port port;

    port_open(&port);
    assert_timed_out(WATCH(port.address, "--timeout", "100ms"), NULL, NULL);
    port_close(&port);
}
END_TEST

START_TEST(a_daemon_that_ends_is_told)
{
    struct process process;
    struct port port;
    int peer;

    port_open(&port);
    process_start(&process, false, WATCH(port.address, "--interests", "readable,writable"));
    peer = port_accept(&port);
    assert_prints(&process, "writable"); /* registered, with nothing under way */
    kill(minimiod.process.pid, SIGTERM);
    assert_ends(&process, 1, "writable", "the daemon");
    close(peer);
    port_close(&port);
}
END_TEST

START_TEST(wrong_usage_is_told)
{
    assert_run(2, NULL, "HOST:PORT", "watch");
    assert_run(2, NULL, "missing port", "watch", "localhost");
    assert_run(2, NULL, "'0x7f.1:80': an IPv4 address is four integers", "watch", "0x7f.1:80");
    assert_run(2, NULL, "--interests", "watch", "localhost:1", "--interests", "everything");
    assert_run(2, NULL, "--interests", "watch", "localhost:1", "--interests", "");
    assert_run(2, NULL, "--mode", "watch", "localhost:1", "--mode", "level");
    assert_run(2, NULL, "--count", "watch", "localhost:1", "--count", "-1");
    assert_run(0, "usage: minimioctl watch", NULL, "watch", "--help");
}
END_TEST

START_TEST(an_absent_daemon_is_explained)
{
    assert_run(1, NULL, "minimiod --socket /nowhere/minimio.sock", "watch", "localhost:1", "--socket",
               "/nowhere/minimio.sock");
}
END_TEST

/* Whoever starts it may have SIGCHLD ignored, and then the kernel forgets how a child ended. */
START_TEST(how_a_command_ended_is_known_even_where_sigchld_is_ignored)
{
    struct process process;
    struct port port;
    int peer;

    port_open(&port);
    signal(SIGCHLD, SIG_IGN);
    process_start(&process, false, WATCH(port.address, "--count", "1", "--exec", "exit 0"));
    signal(SIGCHLD, SIG_DFL);
    peer = port_accept(&port);
    ck_assert_int_eq(write(peer, "x", 1), 1);
    assert_ends(&process, 0, NULL, NULL);
    close(peer);
    port_close(&port);
}
END_TEST

Suite *client_watch_suite(void)
{
    Suite *suite = suite_create("client_watch");
    TCase *with_daemon = tcase_create("with a daemon");
    TCase *without = tcase_create("without");

    tcase_set_timeout(with_daemon, 60);
    tcase_add_checked_fixture(with_daemon, set_up, tear_down);
    tcase_add_test(with_daemon, events_come_in_order_of_readiness);
    tcase_add_test(with_daemon, json_is_one_object_a_line);
    tcase_add_test(with_daemon, what_cannot_be_registered_is_named);
    tcase_add_test(with_daemon, a_count_ends_it);
    tcase_add_test(with_daemon, a_command_is_run_for_each_event);
    tcase_add_test(with_daemon, oneshot_is_armed_again);
    tcase_add_test(with_daemon, a_timeout_ends_it);
    tcase_add_test(with_daemon, a_daemon_that_ends_is_told);
    tcase_add_test(with_daemon, how_a_command_ended_is_known_even_where_sigchld_is_ignored);
    suite_add_tcase(suite, with_daemon);
    tcase_set_timeout(without, 60);
    tcase_add_test(without, wrong_usage_is_told);
    tcase_add_test(without, an_absent_daemon_is_explained);
    suite_add_tcase(suite, without);
    return suite;
}
