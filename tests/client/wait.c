/* SPDX-License-Identifier: MIT */
/* `minimioctl wait`, which needs no daemon. */
#include "tests/client/network.h"
#include "tests/client/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A timeout before which something is to be tried or shown: far more than that takes on a busy machine. */
#define BRIEF    "2s"
#define BRIEF_NS INT64_C(2000000000)

/* A name that no name server is asked for, and that does not exist: a label has at most 63 bytes. */
#define NO_NAME "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(open_ports_end_it_at_once)
{
    struct port one, two;

    port_open(&one);
    port_open(&two);
    assert_run(0, NULL, " is up after ", "wait", one.address);
    assert_run(0, NULL, two.address, "wait", one.address, two.address, "--all", "--timeout", "10s");
    assert_run(0, NULL, NULL, "wait", "--quiet", "--timeout=10s", one.address, "--socket", "/nowhere");
    assert_run(0, ",\"reached\":true,\"after_ms\":", NULL, "wait", "--json", one.address);
    port_close(&one);
    port_close(&two);
}
END_TEST

START_TEST(any_is_content_with_one)
{
    struct port refusing, open;
    struct black_hole hole;

    port_bind(&refusing);
    port_open(&open);
    black_hole_open(&hole);
    assert_run(0, NULL, open.address, "wait", "--any", refusing.address, hole.port.address, "nowhere.invalid:80",
               open.address);
    assert_run(124, NULL, refusing.address, "wait", "--any", refusing.address, "--timeout", "200ms");
    black_hole_close(&hole);
    port_close(&open);
    port_close(&refusing);
}
END_TEST

START_TEST(a_server_that_starts_late_is_found)
{
    struct port witness, late;
    struct process process;
    int fd;

    port_open(&witness);
    port_bind(&late);
    process_start(&process, false, ARGUMENTS("wait", late.address, witness.address, "--interval", "5ms"));
    fd = port_accept(&witness); /* it has begun to try */
    port_listen(&late);
    assert_ends(&process, 0, NULL, late.address);
    close(fd);
    port_close(&late);
    port_close(&witness);
}
END_TEST

/* Neither the name that may be looked up still, nor the connect that gets no answer, nor the next try after the
 * interval is waited for: each of them takes longer than a process is waited for here. */
START_TEST(the_deadline_holds_over_everything)
{
    struct port refusing, open;
    struct black_hole hole;
    struct process process;

    port_bind(&refusing);
    port_open(&open);
    black_hole_open(&hole);
    process_run(&process, ARGUMENTS("wait", refusing.address, "nowhere.invalid:80", open.address, hole.port.address,
                                    "--timeout", BRIEF, "--interval", "60s"));
    ck_assert_int_ge(process.elapsed_ns, BRIEF_NS);
    assert_holds(process.err.text, open.address);
    assert_holds(process.err.text, " is up after ");
    assert_holds(process.err.text, "nowhere.invalid:80: ");
    assert_holds(process.err.text, hole.port.address);
    assert_holds(process.err.text, "no answer");
    assert_ends(&process, 124, NULL, "Connection refused");
    black_hole_close(&hole);
    port_close(&open);
    port_close(&refusing);
}
END_TEST

START_TEST(quiet_says_nothing_at_the_timeout)
{
    struct port refusing;

    port_bind(&refusing);
    assert_run(124, NULL, NULL, "wait", "--quiet", refusing.address, "--timeout", "50ms");
    port_close(&refusing);
}
END_TEST

START_TEST(a_command_is_run_with_its_arguments)
{
    struct port open, refusing;

    port_open(&open);
    port_bind(&refusing);
    assert_run(0, "[a][b c][--timeout][--]", " is up", "wait", open.address, "--timeout", "10s", "--", "printf", "[%s]",
               "a", "b c", "--timeout", "--");
    assert_run(7, NULL, NULL, "wait", "--quiet", open.address, "--", "sh", "-c", "exit 7");
    assert_run(127, NULL, "no-such-command", "wait", open.address, "--", "no-such-command");
    assert_run(126, NULL, "/dev/null", "wait", open.address, "--", "/dev/null");
    assert_run(124, NULL, refusing.address, "wait", refusing.address, "--timeout", "50ms", "--", "echo", "ran");
    port_close(&open);
    port_close(&refusing);
}
END_TEST

START_TEST(closed_ports_are_awaited)
{
    struct process process;
    struct port port, refusing;
    struct black_hole hole;

    port_open(&port);
    port_bind(&refusing);
    assert_run(0, NULL, " is down after ", "wait", "--closed", refusing.address, NO_NAME ":80");
    assert_run(124, NULL, "it is up still", "wait", "--closed", port.address, "--timeout", BRIEF);
    process_start(&process, false, ARGUMENTS("wait", "--closed", port.address, "--interval", "5ms"));
    close(port_accept(&port)); /* it has tried once */
    port_close(&port);
    assert_ends(&process, 0, NULL, port.address);
    black_hole_open(&hole); /* what is full may be open again in a moment: that takes a whole try to tell */
    assert_run(124, NULL, "no answer", "wait", "--closed", hole.port.address, "--timeout", "50ms");
    black_hole_close(&hole);
    port_close(&refusing);
    assert_run(2, NULL, "mutually exclusive", "wait", "--closed", "--readable", "localhost:1");
}
END_TEST

START_TEST(greetings_are_awaited)
{
    struct process process;
    struct port port, silent;
    int fd;

    port_open(&silent);
    assert_run(124, NULL, "no answer", "wait", "--readable", silent.address, "--timeout", "50ms");
    port_close(&silent);
    port_open(&port);
    process_start(&process, false, ARGUMENTS("wait", "--readable", port.address, "--interval", "5ms"));
    close(port_accept(&port)); /* without a word: it tries again */
    fd = port_accept(&port);
    fake_daemon_say(fd, "220 mail.example\r\n");
    assert_ends(&process, 0, NULL, " has greeted after ");
    close(fd);
    port_close(&port);
}
END_TEST

START_TEST(records_say_what_was_and_was_not)
{
    struct port open, refusing;

    port_open(&open);
    port_bind(&refusing);
    assert_run(124, ",\"reached\":false,\"reason\":\"Connection refused\"}\n", NULL, "wait", "--json", refusing.address,
               open.address, "--timeout", BRIEF);
    port_close(&open);
    port_close(&refusing);
}
END_TEST

/* script(1) gives it a terminal. */
static void start_on_terminal(struct process *process, const char *const *targets)
{
    char line[512];

    setenv("TERM", "xterm", 1);
    snprintf(line, sizeof(line), "'%s' wait --interval 5ms %s %s", built_program("minimioctl"), targets[0], targets[1]);
    process_start(process, false, (const char *const[]){"script", "-qec", line, "/dev/null", NULL});
}

START_TEST(a_terminal_shows_all_targets_at_once)
{
    static const char *const not_yet[] = {" not yet: Connection refused\033[0m\r\n",
                                          " not yet: Connection refused\r\n"};
    static const char *const drawn_anew[] = {"\033[2A\r\033[K\033[32m127", "\033[2A\r\033[K127"};

    for (int i = 0; i < 2; i++) {
        struct process process;
        struct port open, late;

        port_open(&open);
        port_bind(&late);
        start_on_terminal(&process, (const char *const[]){open.address, late.address});
        ck_assert(process_await_text(&process, &process.out, not_yet[i], PROCESS_TIMEOUT_MS));
        port_listen(&late);
        assert_ends(&process, 0, drawn_anew[i], NULL);
        port_close(&open);
        port_close(&late);
        setenv("NO_COLOR", "1", 1);
    }
    unsetenv("NO_COLOR");
}
END_TEST

START_TEST(wrong_usage_is_told)
{
    assert_run(2, NULL, "HOST:PORT", "wait");
    assert_run(2, NULL, "missing port", "wait", "localhost");
    assert_run(2, NULL, "from 1 to 65535", "wait", "localhost:0");
    assert_run(2, NULL, "from 1 to 65535", "wait", "localhost:65536");
    assert_run(2, NULL, "from 1 to 65535", "wait", "localhost:http");
    assert_run(2, NULL, "missing host", "wait", ":80");
    assert_run(2, NULL, "[ADDRESS]:PORT", "wait", "::1:80");
    assert_run(2, NULL, "'127.1:80': an IPv4 address is four integers", "wait", "127.1:80");
    assert_run(2, NULL, "'[zz]:80': the text between brackets must be an IPv6 address", "wait", "[zz]:80");
    assert_run(2, NULL, "unknown option '--frobnicate'", "wait", "localhost:1", "--frobnicate");
    assert_run(2, NULL, "option '--timeout' needs a value", "wait", "localhost:1", "--timeout");
    assert_run(2, NULL, "missing command after --", "wait", "localhost:1", "--");
    assert_run(2, NULL, "invalid --interval '0': a duration from 1ms to 8784h", "wait", "localhost:1", "--interval",
               "0");
}
END_TEST

START_TEST(durations_are_checked)
{
    static const char *const bad[] = {"", "x", "-1", "1x", "1.", ".5", "1 s", "0x10", "1e3", "nan", "5d", "99999h"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_run(2, NULL, "--timeout", "wait", "localhost:1", "--timeout", bad[i]);
}
END_TEST

START_TEST(more_targets_than_the_limit_are_refused)
{
    static const char *arguments[1004];

    arguments[0] = built_program("minimioctl");
    arguments[1] = "wait";
    for (int i = 0; i < 1001; i++)
        arguments[2 + i] = "127.0.0.1:1";
    assert_runs(arguments, 2, NULL, "too many addresses: 1001, at most 1000");
}
END_TEST

START_TEST(a_thousand_targets_are_awaited)
{
    static const char *arguments[1004];
    struct port open;

    port_open(&open);
    ck_assert_int_eq(listen(open.fd, 4096), 0);
    arguments[0] = built_program("minimioctl");
    arguments[1] = "wait";
    for (int i = 0; i < 1000; i++)
        arguments[2 + i] = open.address;
    arguments[1002] = "--quiet";
    assert_runs(arguments, 0, NULL, NULL);
    port_close(&open);
}
END_TEST

START_TEST(help_is_given)
{
    assert_run(0, "usage: minimioctl wait", NULL, "wait", "--help");
    assert_run(0, "usage: minimioctl wait", NULL, "help", "wait");
}
END_TEST

Suite *client_wait_suite(void);

Suite *client_wait_suite(void)
{
    Suite *suite = suite_create("client_wait");
    TCase *tests = tcase_create("wait");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, open_ports_end_it_at_once);
    tcase_add_test(tests, any_is_content_with_one);
    tcase_add_test(tests, a_server_that_starts_late_is_found);
    tcase_add_test(tests, the_deadline_holds_over_everything);
    tcase_add_test(tests, quiet_says_nothing_at_the_timeout);
    tcase_add_test(tests, a_command_is_run_with_its_arguments);
    tcase_add_test(tests, closed_ports_are_awaited);
    tcase_add_test(tests, greetings_are_awaited);
    tcase_add_test(tests, records_say_what_was_and_was_not);
    tcase_add_test(tests, a_terminal_shows_all_targets_at_once);
    tcase_add_test(tests, wrong_usage_is_told);
    tcase_add_test(tests, durations_are_checked);
    tcase_add_test(tests, more_targets_than_the_limit_are_refused);
    tcase_add_test(tests, a_thousand_targets_are_awaited);
    tcase_add_test(tests, help_is_given);
    suite_add_tcase(suite, tests);
    return suite;
}
