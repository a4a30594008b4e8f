/* SPDX-License-Identifier: MIT */
/* The commands of minimioctl that work in a named loop: each one's help, success, failure and wrong usage. */
#include "tests/client/network.h"
#include "tests/client/run.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *client_loops_suite(void);

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

/* Registers a stream to the port in the loop "a". Returns the port's end of it. */
static int register_stream(const char *token)
{
    assert_run(0, port.address, NULL, "register", "--loop", "a", token, port.address);
    return port_accept(&port);
}

static void assert_prints(struct process *process, const char *text)
{
    ck_assert_msg(process_await_text(process, &process->out, text, PROCESS_TIMEOUT_MS), "'%s' did not come: %s%s", text,
                  process->out.text, process->err.text);
}

/* In a static buffer. */
static const char *stats_json(void)
{
    static char text[8192];
    struct process process;

    ck_assert_int_eq(process_run(&process, ARGUMENTS("stats", "--json")), 0);
    snprintf(text, sizeof text, "%s", process.out.text);
    process_free(&process);
    return text;
}

static void assert_receives(int fd, const char *expected)
{
    char text[256];
    size_t length = strlen(expected);

    ck_assert_int_eq(recv(fd, text, length, MSG_WAITALL), (ssize_t)length);
    ck_assert_int_eq(memcmp(text, expected, length), 0);
}

/* A line of /proc/PID/fdinfo, with the flags in octal. */
static void expect_blocking(int fd)
{
    char line[256];
    size_t length = 0;

    do
        ck_assert_int_eq(recv(fd, line + length, 1, 0), 1);
    while (line[length++] != '\n' && length < sizeof(line));
    line[length - 1] = '\0';
    ck_assert_msg(strncmp(line, "flags:", 6) == 0 && !(strtoul(line + 6, NULL, 8) & O_NONBLOCK), "%s", line);
}

/* ---- register, reregister, deregister, shutdown, list, loops, close-loop ----------------------------------------- */

START_TEST(streams_are_registered_and_listed)
{
    int peers[3];

    peers[0] = register_stream("7");
    assert_run(0, "{\"token\":8,\"local\":", NULL, "register", "--json", "--loop", "a", "8", port.address,
               "--interests", "readable,writable", "--mode=edge", "--no-nodelay");
    peers[1] = port_accept(&port);
    assert_run(0, "    8  armed  readable,writable  edge     ", NULL, "list", "--loop", "a");
    assert_run(0, "{\"token\":7,\"state\":\"armed\",", NULL, "list", "--loop", "a", "--json");
    assert_run(0, "a  ", NULL, "loops");
    assert_run(0, "\"name\":\"a\",\"uid\":", NULL, "loops", "--json");
    assert_run(0, "a\n", NULL, "loops", "--names");
    assert_run(0, NULL, NULL, "reregister", "--loop", "a", "7", "8", "--interests", "closed");
    assert_run(0, "    7  armed  -          oneshot  ", NULL, "list", "--loop", "a");
    assert_run(0, NULL, NULL, "deregister", "--loop", "a", "7");
    assert_run(0, "{}\n", NULL, "deregister", "--loop", "a", "8", "--json");
    assert_run(0, "TOKEN  STATE", NULL, "list", "--loop", "a");
    for (int i = 0; i < 2; i++) {
        char byte;

        ck_assert_int_eq(recv(peers[i], &byte, 1, 0), 0);
        close(peers[i]);
    }
}
END_TEST

START_TEST(several_are_registered_at_once)
{
    struct process process;
    struct port refusing;
    int peers[2];

    port_bind(&refusing);
    process_start(&process, false,
                  ARGUMENTS("register", "--loop", "a", "1", port.address, "2", refusing.address, "3", port.address));
    for (int i = 0; i < 2; i++)
        peers[i] = port_accept(&port);
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 1);
    assert_holds(process.out.text, "1  127.0.0.1:");
    assert_holds(process.out.text, "3  127.0.0.1:");
    assert_holds(process.err.text, "2 127.0.0.1:");
    assert_holds(process.err.text, ": Connection refused\n");
    process_free(&process);
    for (int i = 0; i < 2; i++)
        close(peers[i]);
    port_close(&refusing);
}
END_TEST

START_TEST(a_descriptor_is_handed_over)
{
    char script[256], *colon = strchr(port.address, ':');
    int peer;

    snprintf(script, sizeof(script), "exec 5<>/dev/tcp/127.0.0.1/%s; '%s' register --loop a 5 fd:5", colon + 1,
             built_program("minimioctl"));
    assert_runs(((const char *const[]){"bash", "-c", script, NULL}), 0, "5  127.0.0.1:", NULL);
    peer = port_accept(&port);
    fake_daemon_say(peer, "x");
    assert_run(0, "5  127.0.0.1:", NULL, "events", "--loop", "a", "--count", "1");
    close(peer);
    assert_run(1, NULL, "descriptor 77 cannot be sent", "register", "--loop", "a", "6", "fd:77");
    assert_run(2, NULL, "fd:N, an integer", "register", "--loop", "a", "6", "fd:x");
    assert_run(2, NULL, "only one descriptor", "register", "--loop", "a", "6", port.address, "7", "fd:0");
}
END_TEST

START_TEST(an_unanswered_connect_meets_the_timeout)
{
    struct black_hole hole;

    black_hole_open(&hole);
    assert_times_out(NULL, "time", "register", "--loop", "a", "1", hole.port.address, "--timeout", "100ms");
    black_hole_close(&hole);
}
END_TEST

/* A double has room for all of them, but not every text that is made of one. */
static const char *const large_tokens[] = {"4503599627370499", "9007199254740989", "9007199254740991"};

START_TEST(large_tokens_are_exact)
{
    const char *token = large_tokens[_i];
    int fd = register_stream(token);
    char text[160];

    snprintf(text, sizeof(text), "{\"token\":%s,", token);
    assert_run(0, text, NULL, "list", "--loop", "a", "--json");
    assert_run(0, text, NULL, "call", "--loop", "a", "list");
    assert_run(0, token, NULL, "list", "--loop", "a");
    fake_daemon_say(fd, "hello");
    assert_run(0, text, NULL, "events", "--loop", "a", "--now", "--json");
    assert_run(0, "hello", NULL, "read", "--loop", "a", token);
    assert_run(0, NULL, NULL, "reregister", "--loop", "a", token, "--mode", "edge");
    assert_run(0, NULL, NULL, "shutdown", "--loop", "a", token, "write");
    fake_daemon_say(fd, "again");
    assert_run(0, NULL, token, "run", "--loop", "a", "--token", token, "--count", "1", "--back", "--", "sh", "-c",
               "echo $MINIMIO_TOKEN >&2");
    assert_run(0, NULL, NULL, "deregister", "--loop", "a", token);
    close(fd);
}
END_TEST

START_TEST(directions_are_shut_down)
{
    int peer = register_stream("1");
    char byte;

    assert_run(0, NULL, NULL, "shutdown", "--loop", "a", "1", "write");
    ck_assert_int_eq(recv(peer, &byte, 1, 0), 0);
    assert_run(0, "{}\n", NULL, "shutdown", "--loop", "a", "1", "both", "--json");
    assert_run(2, NULL, "invalid direction 'up'; use read, write, both", "shutdown", "--loop", "a", "1", "up");
    assert_run(2, NULL, "missing direction", "shutdown", "--loop", "a", "1");
    assert_run(1, NULL, "(TOKEN_UNKNOWN)", "shutdown", "--loop", "a", "2", "both");
    close(peer);
}
END_TEST

START_TEST(a_loop_is_closed)
{
    int peer = register_stream("1");
    char byte;

    assert_run(0, NULL, NULL, "close-loop", "--loop", "a");
    ck_assert_int_eq(recv(peer, &byte, 1, 0), 0);
    close(peer);
    assert_run(1, NULL, "there is no loop 'a'", "close-loop", "--loop", "a");
    assert_run(0, NULL, NULL, "loops", "--json");
    assert_run(2, NULL, "unexpected argument 'b'", "close-loop", "--loop", "a", "b");
    assert_run(2, NULL, "unexpected argument 'b'", "loops", "b");
}
END_TEST

START_TEST(a_loop_that_is_busy_is_taken_over)
{
    struct process process;
    int peer = register_stream("1");

    process_start(&process, true, ARGUMENTS("batch", "--loop", "a", "--role", "owner"));
    process_write(&process, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
    assert_prints(&process, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
    assert_run(0, "    1  armed", NULL, "list", "--loop", "a");
    assert_run(1, NULL, "(LOOP_BUSY)\nUse --wait 10s to wait for that session, or --takeover", "events", "--now",
               "--loop", "a");
    assert_run(124, NULL, "(LOOP_BUSY)\n", "events", "--now", "--loop", "a", "--wait", "10ms");
    assert_run(124, NULL, "(LOOP_BUSY)\n", "events", "--now", "--loop", "a", "--wait", "1h", "--timeout", "10ms");
    assert_run(1, NULL, NULL, "events", "--now", "--loop", "a", "--takeover");
    assert_prints(&process, "\"loop_detached\"");
    process_close_input(&process);
    assert_ends(&process, 0, "takeover", NULL);
    close(peer);
}
END_TEST

START_TEST(a_busy_loop_is_waited_for)
{
    struct process owner, waiting;
    int peer = register_stream("1");

    process_start(&owner, true, ARGUMENTS("batch", "--loop", "a", "--role", "owner"));
    process_write(&owner, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
    assert_prints(&owner, "{}");
    process_start(&waiting, false, ARGUMENTS("events", "--loop", "a", "--wait", "1h", "--count", "1"));
    while (!strstr(stats_json(), "\"waits\":1,"))
        ;
    fake_daemon_say(peer, "x");
    process_close_input(&owner);
    assert_ends(&owner, 0, "{}", NULL);
    assert_ends(&waiting, 0, "1  127.0.0.1:", NULL);
    close(peer);
}
END_TEST

/* The pipes that the documentation shows: the owner follows events, and the other commands come and go as guests. */
START_TEST(guests_work_beside_an_owner)
{
    struct process process;
    char script[512];
    int peer = register_stream("1");

    snprintf(script, sizeof script,
             "M=%s; $M events --loop a --count 2 | while read -r token _; do $M read --loop a \"$token\"; echo; "
             "echo yes | $M write --loop a \"$token\"; $M reregister --loop a \"$token\"; done",
             built_program("minimioctl"));
    process_start(&process, false, (const char *const[]){"sh", "-c", script, NULL});
    fake_daemon_say(peer, "one");
    assert_prints(&process, "one\n");
    assert_receives(peer, "yes\n");
    fake_daemon_say(peer, "two");
    assert_prints(&process, "two\n");
    assert_receives(peer, "yes\n");
    assert_ends(&process, 0, "one\ntwo\n", NULL);
    snprintf(
        script, sizeof script,
        "M=%s; for i in 1 2 3 4 5 6 7 8; do $M list --loop a --json | jq -c "
        "'{jsonrpc: \"2.0\", id: .token, method: \"reregister\", params: {token}}' | $M batch --loop a || exit; done",
        built_program("minimioctl"));
    assert_runs(((const char *const[]){"sh", "-c", script, NULL}), 0, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n",
                NULL);
    close(peer);
}
END_TEST

START_TEST(requests_that_poll_come_as_owner)
{
    struct process process;
    int peer;

    assert_run(0, "\"created\":true", NULL, "call", "open_loop", "{\"name\":\"a\",\"delivery\":\"poll\"}");
    peer = register_stream("1");
    fake_daemon_say(peer, "x");
    assert_run(0, "\"readable\":true", NULL, "call", "--loop", "a", "poll");
    assert_run(1, NULL, "(WRONG_DELIVERY)", "call", "--loop", "a", "--role", "guest", "poll");
    assert_run(2, NULL, "use owner, guest, worker", "call", "--loop", "a", "--role", "boss", "poll");
    assert_run(2, NULL, "--role needs --loop NAME", "call", "--role", "owner", "poll");
    process_start(&process, true, ARGUMENTS("batch", "--loop", "a"));
    process_write(&process, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\"}{\"jsonrpc\":\"2.0\",\"i");
    assert_prints(&process, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}\n");
    process_write(&process, "d\":6,\"method\":\"poll\"}");
    assert_prints(&process,
                  "{\"jsonrpc\":\"2.0\",\"id\":6,\"result\":{\"events\":[{\"token\":1,\"readable\":true}]}}\n");
    process_close_input(&process);
    assert_ends(&process, 0, "\"id\":6", NULL);
    close(peer);
}
END_TEST

START_TEST(an_expired_loop_is_named)
{
    int peer = register_stream("1");

    assert_run(0, NULL, NULL, "reregister", "--loop", "a", "--linger", "0", "1");
    assert_run(1, NULL, "loop 'a' expired ", "list", "--loop", "a");
    close(peer);
}
END_TEST

START_TEST(a_registration_is_ensured)
{
    int peer = register_stream("1"), other;

    assert_run(0, "\"existing\":true", NULL, "register", "--json", "--loop", "a", "1", port.address, "--ensure");
    close(peer);
    assert_run(0, "1  127.0.0.1:", NULL, "events", "--loop", "a", "--count", "1");
    assert_run(0, "1  127.0.0.1:", NULL, "register", "--loop", "a", "1", port.address, "--ensure");
    other = port_accept(&port);
    assert_run(1, NULL, "TOKEN_EXISTS", "register", "--loop", "a", "1", "127.0.0.1:1", "--ensure");
    close(other);
}
END_TEST

START_TEST(a_loop_lingers_as_told)
{
    int peer = register_stream("1");
    char byte;

    assert_run(0, "\"linger_ms\":600000,", NULL, "loops", "--json");
    assert_run(0, "armed", NULL, "list", "--loop", "a", "--linger", "0");
    ck_assert_int_eq(recv(peer, &byte, 1, 0), 0);
    close(peer);
}
END_TEST

START_TEST(wrong_usage_is_told)
{
    static const char *const commands[] = {"register", "reregister", "deregister", "shutdown", "read",
                                           "write",    "take",       "events",     "run",      "close-loop"};

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        assert_run(2, NULL, "missing required option --loop NAME", commands[i], "1");
        assert_run(0, "  --linger D  ", NULL, commands[i], "--help");
        assert_run(2, NULL, "--help", commands[i], "--nonsense");
    }
    assert_run(2, NULL, "in pairs", "register", "--loop", "a", "1");
    assert_run(2, NULL, "invalid token 'x': an integer from 0 to 9007199254740991", "register", "--loop", "a", "x",
               port.address);
    assert_run(2, NULL, "missing port", "register", "--loop", "a", "1", "localhost");
    assert_run(2, NULL, "an IPv4 address is four integers", "register", "--loop", "a", "1", "127.0.0.010:80");
    assert_run(2, NULL, "invalid --mode 'x'; use oneshot, edge, level\n", "register", "--loop", "a", "1", port.address,
               "--mode", "x");
    assert_run(2, NULL, "invalid --interests 'x'; use readable, writable, closed\n", "reregister", "--loop", "a", "1",
               "--interests", "x");
    assert_run(2, NULL, "missing token", "deregister", "--loop", "a");
    assert_run(2, NULL, "invalid token", "deregister", "--loop", "a", "9007199254740992");
    assert_run(2, NULL, "invalid --linger 'x': a duration from 0 to 8784h", "list", "--loop", "a", "--linger", "x");
    assert_run(2, NULL, "invalid --loop 'a b': a name of 1 to 64 letters", "list", "--loop", "a b");
    assert_run(0, "--no-nodelay ", NULL, "register", "--help");
    assert_run(0, "  --max N ", NULL, "read", "--help");
}
END_TEST

/* ---- read, write, connect ---------------------------------------------------------------------------------------- */

START_TEST(bytes_are_read)
{
    int peer = register_stream("1");

    assert_run(0, NULL, NULL, "read", "--loop", "a", "1");
    ck_assert_int_eq(send(peer, "h\xffllo", 5, MSG_NOSIGNAL), 5);
    assert_run(0, "1  127.", NULL, "events", "--loop", "a", "--count", "1");
    assert_run(0, "h\xffllo", NULL, "read", "--loop", "a", "1", "--peek");
    assert_run(0, "h\xff", NULL, "read", "--loop", "a", "1", "--max", "2");
    assert_run(0, "{\"data\":\"llo\",\"encoding\":\"utf8\",\"bytes\":3,\"eof\":false}\n", NULL, "read", "--loop", "a",
               "1", "--json");
    close(peer);
    assert_run(2, NULL, "invalid --max '0': an integer from 1 to 32768\n", "read", "--loop", "a", "1", "--max", "0");
    assert_run(2, NULL, "unexpected argument '2'", "read", "--loop", "a", "1", "2");
    assert_run(1, NULL, "(TOKEN_UNKNOWN)\n'minimioctl list --loop a' lists", "read", "--loop", "a", "3");
    assert_run(1, NULL, "there is no loop 'b'", "read", "--loop", "b", "3");
}
END_TEST

/* $0 is minimioctl. */
#define SHELL(script)                                                                                                  \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        "sh", "-c", script, built_program("minimioctl"), NULL                                                          \
    }

START_TEST(standard_input_is_written)
{
    const char *const too_much[] = {
        "sh",
        "-c",
        "head -c 30000000 /dev/zero | \"$0\" write --loop a 1 \"$@\"",
        built_program("minimioctl"),
        "--timeout",
        "100ms",
        NULL,
    };
    int peer = register_stream("1");

    assert_runs(SHELL("printf 'hello\\n' | \"$0\" write --loop a 1"), 0, NULL, NULL);
    assert_receives(peer, "hello\n");
    assert_runs(SHELL("printf 'more\\377' | \"$0\" write --json --loop a 1"), 0, "{\"bytes\":5}\n", NULL);
    assert_receives(peer, "more\xff");
    assert_timed_out(too_much, NULL, "and then no more in time");
    assert_runs(SHELL("echo x | \"$0\" write --loop a 2"), 1, NULL, "(TOKEN_UNKNOWN)");
    close(peer);
}
END_TEST

/* A megabyte both ways at once, through full buffers. */
START_TEST(connect_passes_both_ways)
{
    struct process process;
    char script[512];

    snprintf(script, sizeof(script),
             "head -c 1000000 /dev/urandom >'%s/in'; \"$0\" connect %s <'%s/in' | cmp - '%s/in'; rm '%s/in'",
             minimiod.folder, port.address, minimiod.folder, minimiod.folder, minimiod.folder);
    process_start(&process, false, SHELL(script));
    {
        int peer = port_accept(&port);
        char bytes[65536];
        ssize_t n;

        while ((n = recv(peer, bytes, sizeof(bytes), 0)) > 0)
            ck_assert_int_eq(send(peer, bytes, (size_t)n, MSG_NOSIGNAL), n);
        close(peer);
    }
    assert_ends(&process, 0, NULL, NULL);
}
END_TEST

START_TEST(connect_tells_what_is_wrong)
{
    struct port refusing;

    port_bind(&refusing);
    assert_run(1, NULL, ": Connection refused\n", "connect", refusing.address);
    port_close(&refusing);
    assert_times_out(NULL, NULL, "connect", port.address, "--timeout", "100ms");
    assert_run(2, NULL, "missing address", "connect");
    assert_run(2, NULL, "missing port", "connect", "localhost");
    assert_run(2, NULL, "an IPv4 address is four integers", "connect", "2130706433:80");
    assert_run(0, "shuts down that direction", NULL, "connect", "--help");
}
END_TEST

/* ---- events, take, run ------------------------------------------------------------------------------------------- */

START_TEST(events_are_followed)
{
    int peers[2];

    peers[0] = register_stream("1");
    peers[1] = register_stream("12");
    fake_daemon_say(peers[1], "x");
    assert_run(0, "12  127.0.0.1:", NULL, "events", "--loop", "a", "--count", "1");
    assert_run(0, "  readable\n", NULL, "events", "--loop", "a", "--count", "3", "--rearm");
    assert_run(0, "\"readable\":true}\n", NULL, "events", "--loop", "a", "--count", "1", "--json");
    assert_times_out("readable\n", NULL, "events", "--loop", "a", "--timeout", "100ms");
    assert_run(0, "12 readable a\n", NULL, "events", "--loop", "a", "--count", "1", "--exec",
               "echo $MINIMIO_TOKEN $MINIMIO_READINESS $MINIMIO_LOOP");
    assert_run(1, NULL, NULL, "events", "--loop", "a", "--count", "1", "--exec", "false");
    assert_run(2, NULL, "invalid --count '0': an integer from 1 to", "events", "--loop", "a", "--count", "0");
    assert_run(2, NULL, "unexpected argument 'b'", "events", "--loop", "a", "b");
    close(peers[0]);
    close(peers[1]);
}
END_TEST

START_TEST(a_loop_with_poll_delivery_is_followed_too)
{
    int peer;

    assert_run(0, "\"delivery\":\"poll\"", NULL, "call", "open_loop", "{\"name\":\"a\",\"delivery\":\"poll\"}");
    peer = register_stream("1");
    assert_times_out(NULL, NULL, "events", "--loop", "a", "--timeout", "50ms");
    fake_daemon_say(peer, "x");
    assert_run(0, "1  127.0.0.1:", NULL, "events", "--loop", "a", "--count", "1");
    close(peer);
}
END_TEST

START_TEST(what_is_ready_now_is_told)
{
    int peers[2];

    peers[0] = register_stream("1");
    peers[1] = register_stream("12");
    assert_run(1, NULL, NULL, "events", "--loop", "a", "--now");
    fake_daemon_say(peers[1], "x");
    for (int i = 0; i < 2; i++) /* each session is told anew */
        assert_run(0, "12  127.0.0.1:", NULL, "events", "--loop", "a", "--now");
    assert_run(0, "{\"token\":12,\"address\":\"127.0.0.1:", NULL, "events", "--loop", "a", "--now", "--json");
    close(peers[0]);
    assert_run(0, "12  127.0.0.1:", NULL, "events", "--loop", "a", "--now");
    assert_run(0, "  readable,read_closed\n", NULL, "events", "--loop", "a", "--now");
    assert_run(0, "12\n", NULL, "events", "--loop", "a", "--now", "--exec", "echo $MINIMIO_TOKEN");
    assert_run(1, NULL, NULL, "events", "--loop", "a", "--now", "--exec", "exit 3");
    assert_run(2, NULL, "--now and --rearm are mutually exclusive", "events", "--loop", "a", "--now", "--rearm");
    close(peers[1]);
}
END_TEST

/* More streams than one answer of `poll` or `list` holds; some are ready, and each of them is told once. */
#define MANY_STREAMS 300
#define READY_EVERY  7

START_TEST(many_that_are_ready_now_are_told)
{
    static const char *const modes[] = {"oneshot", "edge", "level"};
    static const char *const deliveries[] = {"push", "push", "poll"};
    char tokens[MANY_STREAMS][8], open[80];
    const char *arguments[2 * MANY_STREAMS + 8] = {
        built_program("minimioctl"), "register", "--loop", "a", "--mode", modes[_i]};
    struct process process;
    int peers[MANY_STREAMS], ready = 0;

    snprintf(open, sizeof(open), "{\"name\":\"a\",\"delivery\":\"%s\"}", deliveries[_i]);
    ck_assert_int_eq(listen(port.fd, MANY_STREAMS), 0);
    assert_run(0, "created", NULL, "call", "open_loop", open);
    for (int i = 0; i < MANY_STREAMS; i++) {
        snprintf(tokens[i], sizeof(tokens[i]), "%d", i + 1);
        arguments[6 + 2 * i] = tokens[i];
        arguments[7 + 2 * i] = port.address;
    }
    process_start(&process, false, arguments);
    for (int i = 0; i < MANY_STREAMS; i++)
        peers[i] = port_accept(&port);
    assert_ends(&process, 0, "127.0.0.1:", NULL);
    assert_run(1, NULL, NULL, "events", "--loop", "a", "--now");
    for (int i = 0; i < MANY_STREAMS; i += READY_EVERY) {
        fake_daemon_say(peers[i], "x");
        ready++;
    }
    ck_assert_int_eq(process_run(&process, ARGUMENTS("events", "--loop", "a", "--now", "--json")), 0);
    for (const char *line = process.out.text; (line = strchr(line, '\n')); line++)
        ready--;
    ck_assert_msg(ready == 0, "%d events are missing: %s", ready, process.out.text);
    process_free(&process);
    for (int i = 0; i < MANY_STREAMS; i++)
        close(peers[i]);
}
END_TEST

START_TEST(a_daemon_that_ends_ends_following)
{
    struct process process;
    int peer = register_stream("1");

    process_start(&process, false, ARGUMENTS("events", "--loop", "a"));
    fake_daemon_say(peer, "x");
    assert_prints(&process, "readable");
    kill(minimiod.process.pid, SIGTERM);
    assert_ends(&process, 1, "readable", "the daemon is shutting down");
    close(peer);
}
END_TEST

START_TEST(a_stream_is_taken)
{
    int peer = register_stream("1");

    assert_run(2, NULL, "-- COMMAND", "take", "--loop", "a", "1");
    assert_run(1, NULL, "(TOKEN_UNKNOWN)", "take", "--loop", "a", "2", "--", "cat");
    fake_daemon_say(peer, "who\n");
    assert_run(3, NULL, NULL, "take", "--loop", "a", "1", "--", "sh", "-c",
               "read word; echo $word is $MINIMIO_TOKEN; exit 3");
    assert_receives(peer, "who is 1\n");
    close(peer);
    assert_run(1, NULL, "(TOKEN_UNKNOWN)", "take", "--loop", "a", "1", "--", "cat");
}
END_TEST

static void make_file(char *path, size_t size, const char *name, const char *text, mode_t mode)
{
    FILE *file;

    snprintf(path, size, "%s/%s", minimiod.folder, name);
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
}

static const char *const takers[] = {"take", "run"};

/* Looked up before anything is taken, and put back where exec fails all the same. */
START_TEST(a_command_that_cannot_be_run_loses_nothing)
{
    const char *verb = takers[_i], *token = _i == 0 ? "1" : "--token=1";
    char plain[256], script[256];
    int peer = register_stream("1");

    make_file(plain, sizeof(plain), "plain", "text", 0644);
    make_file(script, sizeof(script), "script", "#!/nowhere/interpreter\n", 0755);
    fake_daemon_say(peer, "x");
    assert_run(127, NULL, "cannot run 'tpyo': No such file", verb, "--loop", "a", token, "--", "tpyo");
    assert_run(127, NULL, "cannot run '/nowhere/x'", verb, "--loop", "a", token, "--", "/nowhere/x");
    assert_run(127, NULL, "cannot run ''", verb, "--loop", "a", token, "--", "");
    assert_run(126, NULL, "Permission denied", verb, "--loop", "a", token, "--", plain);
    assert_run(126, NULL, "cannot run '/'", verb, "--loop", "a", token, "--", "/");
    assert_run(0, "1  disarmed  readable   oneshot  readable  127", NULL, "list", "--loop", "a");
    assert_run(127, NULL, "No such file", verb, "--loop", "a", token, "--", script);
    assert_run(0, "1  127.0.0.1:", NULL, "events", "--loop", "a", "--count", "1");
    assert_run(0, NULL, NULL, verb, "--loop", "a", token, "--", "sh", "-c",
               "dd bs=1 count=1 >/dev/null 2>&1; echo got");
    assert_receives(peer, "got\n");
    unlink(plain);
    unlink(script);
    close(peer);
}
END_TEST

/* Where the PATH leads: what may not be run there hides nothing behind it, and is the reason if there is no other. */
START_TEST(a_command_is_looked_up_in_the_path)
{
    char path[512], plain[256], *before = strdup(getenv("PATH"));
    int peer = register_stream("1");

    make_file(plain, sizeof(plain), "printf", "text", 0644);
    snprintf(path, sizeof(path), "%s:/nowhere", minimiod.folder);
    setenv("PATH", path, 1);
    assert_run(126, NULL, "cannot run 'printf': Permission denied", "take", "--loop", "a", "1", "--", "printf");
    snprintf(path, sizeof(path), "%s:%s", minimiod.folder, before);
    setenv("PATH", path, 1);
    assert_run(0, NULL, NULL, "take", "--loop", "a", "1", "--", "printf", "found\n");
    assert_receives(peer, "found\n");
    setenv("PATH", before, 1);
    free(before);
    unlink(plain);
    close(peer);
}
END_TEST

/* Through a socket that passes bytes alone: the stream is there for whoever comes by the daemon's own. */
START_TEST(a_descriptor_that_does_not_arrive_loses_nothing)
{
    const char *verb = takers[_i], *token = _i == 0 ? "1" : "--token=1";
    int peer = register_stream("1");
    struct relay relay;

    fake_daemon_say(peer, "x");
    relay_open(&relay, minimiod.socket);
    assert_run(1, NULL, "did not arrive", verb, "--socket", relay.front.socket, "--loop", "a", token, "--", "cat");
    relay_close(&relay);
    assert_run(0, "1  127.0.0.1:", NULL, "events", "--loop", "a", "--count", "1", "--takeover");
    close(peer);
}
END_TEST

START_TEST(a_command_reads_and_writes_as_it_expects)
{
    int peer = register_stream("1");
    struct process process;

    process_start(&process, false,
                  ARGUMENTS("take", "--loop", "a", "1", "--", "sh", "-c", "grep flags: /proc/$$/fdinfo/0"));
    assert_ends(&process, 0, NULL, NULL);
    expect_blocking(peer);
    close(peer);
}
END_TEST

START_TEST(a_token_that_is_not_there_is_an_error)
{
    int peer = register_stream("1");

    assert_run(1, NULL, "token 9 is not registered", "run", "--loop", "a", "--token", "9", "--", "cat");
    assert_runs(SHELL("\"$0\" write --loop a 9 </dev/null"), 1, NULL, "token 9 is not registered");
    assert_runs(SHELL("\"$0\" write --loop a 0 </dev/null"), 1, NULL, "token 0 is not registered");
    assert_runs(SHELL("\"$0\" write --loop a 1 </dev/null"), 0, NULL, NULL);
    close(peer);
}
END_TEST

/* A reset is an end like another: scripts under `set -e` go on. */
START_TEST(a_reset_is_an_end)
{
    struct linger at_once = {.l_onoff = 1};
    int peer = register_stream("1");

    fake_daemon_say(peer, "last");
    ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(peer);
    assert_runs(SHELL("set -e; \"$0\" read --loop a 1; \"$0\" read --loop a 1; echo ' and on'"), 0, "last and on\n",
                NULL);
    assert_run(0, "\"eof\":true,\"errno\":\"ECONNRESET\"}\n", NULL, "read", "--loop", "a", "1", "--json");
    assert_run(0, "\"eof\":true,\"errno\":\"ECONNRESET\"}\n", NULL, "read", "--loop", "a", "1", "--json");
    /* What has ended so is not registered again. */
    assert_run(0, NULL, NULL, "run", "--loop", "a", "--back", "--", "true");
    assert_run(0, NULL, NULL, "run", "--loop", "a", "--", "true");
}
END_TEST

START_TEST(the_end_alone_is_waited_for)
{
    int peer;

    assert_run(0, port.address, NULL, "register", "--loop", "a", "1", port.address, "--interests", "closed");
    peer = port_accept(&port);
    fake_daemon_say(peer, "x");
    assert_run(124, NULL, NULL, "events", "--loop", "a", "--timeout", "50ms");
    close(peer);
    assert_run(0, "  read_closed\n", NULL, "events", "--loop", "a", "--count", "1");
    assert_run(2, NULL, "use readable, writable, closed", "reregister", "--loop", "a", "1", "--interests", "reed");
}
END_TEST

START_TEST(commands_are_run_with_ready_streams)
{
    struct process process;
    int peers[2];

    peers[0] = register_stream("1");
    peers[1] = register_stream("2");
    process_start(&process, false,
                  ARGUMENTS("run", "--loop", "a", "--back", "--", "sh", "-c",
                            "read word; echo $MINIMIO_TOKEN: $word; test \"$word\" = good"));
    fake_daemon_say(peers[1], "good\n");
    assert_receives(peers[1], "2: good\n");
    fake_daemon_say(peers[0], "good\n");
    assert_receives(peers[0], "1: good\n");
    fake_daemon_say(peers[1], "bad\n"); /* it was registered again */
    assert_receives(peers[1], "2: bad\n");
    close(peers[0]);
    close(peers[1]);
    assert_ends(&process, 1, NULL, NULL); /* ended streams are not registered again, and then there is none */
}
END_TEST

START_TEST(one_token_is_run_alone)
{
    struct process process;
    int peers[2];

    peers[0] = register_stream("1");
    peers[1] = register_stream("2");
    fake_daemon_say(peers[0], "x\n");
    process_start(&process, false, ARGUMENTS("run", "--loop", "a", "--token", "2", "--", "sed", "s/^/got /"));
    fake_daemon_say(peers[1], "y\n");
    shutdown(peers[1], SHUT_WR);
    assert_receives(peers[1], "got y\n");
    assert_ends(&process, 0, NULL, NULL);
    assert_run(0, "1  127.0.0.1:", NULL, "events", "--loop", "a", "--count", "1");
    assert_times_out(NULL, NULL, "run", "--loop", "a", "--timeout", "50ms", "--token", "1", "--count", "2", "--back",
                     "--", "sh", "-c", "read word");
    assert_run(2, NULL, "the command follows --", "run", "--loop", "a", "cat");
    assert_run(2, NULL, "invalid --count 'x'", "run", "--loop", "a", "--count", "x", "--", "cat");
    close(peers[0]);
    close(peers[1]);
}
END_TEST

/* The command outlasts the time limit, and says when it has begun: a busy machine may reach the limit before. */
START_TEST(a_stream_goes_back_after_the_time_limit)
{
    int peer = register_stream("1");
    char timeout[16], got;
    struct process process;

    fake_daemon_say(peer, "x\n");
    for (int ms = 100;; ms *= 2) {
        snprintf(timeout, sizeof timeout, "%dms", ms);
        ck_assert_int_eq(process_run(&process, ARGUMENTS("run", "--loop", "a", "--timeout", timeout, "--count", "2",
                                                         "--back", "--", "sh", "-c", "echo; read word; sleep 0.3")),
                         124);
        if (recv(peer, &got, 1, MSG_DONTWAIT) == 1)
            break;
        process_free(&process);
    }
    ck_assert_str_eq(process.err.text, "");
    process_free(&process);
    assert_run(0, "\"token\":1", NULL, "list", "--loop", "a", "--json");
    close(peer);
}
END_TEST

/* ---- batch ------------------------------------------------------------------------------------------------------- */

START_TEST(batches_are_passed_on)
{
    assert_runs(SHELL("printf '{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}' | \"$0\" batch"), 0,
                "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}\n", NULL);
    assert_runs(SHELL("printf '[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}]' | \"$0\" batch"), 0,
                "[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}]\n", NULL);
    assert_runs(SHELL("printf 'nonsense' | \"$0\" batch"), 1, "PARSE_ERROR", NULL);
    assert_run(0, NULL, NULL, "batch");
    assert_run(2, NULL, "unexpected argument 'x'", "batch", "x");
    assert_run(0, "one per line", NULL, "batch", "--help");
}
END_TEST

START_TEST(a_long_batch_is_passed_on)
{
    assert_runs(SHELL("i=0; while [ $i -lt 3000 ]; do echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"}'; "
                      "i=$((i+1)); done | \"$0\" batch | wc -l"),
                0, "3000\n", NULL);
}
END_TEST

/* A stream that waits for its peer keeps no batch from ending, as its register is answered. */
START_TEST(a_batch_ends_with_its_answers)
{
    char script[400];

    snprintf(script, sizeof(script),
             "printf '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"register\",\"params\":{\"token\":1,\"address\":"
             "\"%s\"}}' | \"$0\" batch",
             port.address);
    assert_runs(SHELL(script), 0, "\"peer\":\"127.0.0.1:", NULL);
    close(port_accept(&port));
    assert_runs(SHELL("printf '{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}[{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}]' "
                      "| \"$0\" batch"),
                0, NULL, NULL);
    assert_runs(
        SHELL("printf '[]{\"jsonrpc\":\"2.0\",\"method\":\"none\"}{\"jsonrpc\":\"2.0\",\"id\":1' | \"$0\" batch"), 1,
        "the text ends before it is whole", NULL);
    /* what is answered when the session begins is no HTTP any more */
    assert_runs(SHELL("printf 'GET /\n{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}' | \"$0\" batch"), 1,
                "\"id\":7,\"result\"", NULL);
}
END_TEST

START_TEST(a_daemon_that_ends_leaves_a_batch_unanswered)
{
    struct process process;

    process_start(&process, true, ARGUMENTS("batch"));
    process_write(&process, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
    assert_prints(&process, "\"id\":1");
    process_write(&process, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"open_loop\",\"params\":[null,\"poll\"]}"
                            "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"poll\"}\n");
    assert_prints(&process, "\"id\":2");
    process_close_input(&process);
    kill(minimiod.process.pid, SIGTERM);
    assert_ends(&process, 1, "\"LOOP_CLOSED\"", NULL);
}
END_TEST

START_TEST(a_batch_meets_its_timeout)
{
    static const char script[] =
        "printf '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":[null,\"poll\"]}"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"poll\"}' | \"$0\" batch \"$@\"";
    struct process process;

    process_start(&process, true, ARGUMENTS("batch", "--timeout", "100ms"));
    assert_ends(&process, 124, NULL, "standard input did not end in time");
    assert_timed_out(
        ((const char *const[]){"sh", "-c", script, built_program("minimioctl"), "--timeout", "100ms", NULL}),
        "\"id\":1", "1 request was not answered in time");
}
END_TEST

Suite *client_loops_suite(void)
{
    Suite *suite = suite_create("client_loops");
    TCase *tests = tcase_create("loops");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, streams_are_registered_and_listed);
    tcase_add_test(tests, several_are_registered_at_once);
    tcase_add_test(tests, a_descriptor_is_handed_over);
    tcase_add_test(tests, an_unanswered_connect_meets_the_timeout);
    tcase_add_loop_test(tests, large_tokens_are_exact, 0, 3);
    tcase_add_test(tests, directions_are_shut_down);
    tcase_add_test(tests, a_loop_is_closed);
    tcase_add_test(tests, a_loop_that_is_busy_is_taken_over);
    tcase_add_test(tests, a_busy_loop_is_waited_for);
    tcase_add_test(tests, guests_work_beside_an_owner);
    tcase_add_test(tests, requests_that_poll_come_as_owner);
    tcase_add_test(tests, an_expired_loop_is_named);
    tcase_add_test(tests, a_registration_is_ensured);
    tcase_add_test(tests, a_loop_lingers_as_told);
    tcase_add_test(tests, wrong_usage_is_told);
    tcase_add_test(tests, bytes_are_read);
    tcase_add_test(tests, standard_input_is_written);
    tcase_add_test(tests, connect_passes_both_ways);
    tcase_add_test(tests, connect_tells_what_is_wrong);
    tcase_add_test(tests, events_are_followed);
    tcase_add_test(tests, a_loop_with_poll_delivery_is_followed_too);
    tcase_add_test(tests, what_is_ready_now_is_told);
    tcase_add_loop_test(tests, many_that_are_ready_now_are_told, 0, 3);
    tcase_add_test(tests, a_daemon_that_ends_ends_following);
    tcase_add_test(tests, a_stream_is_taken);
    tcase_add_loop_test(tests, a_command_that_cannot_be_run_loses_nothing, 0, 2);
    tcase_add_test(tests, a_command_is_looked_up_in_the_path);
    tcase_add_loop_test(tests, a_descriptor_that_does_not_arrive_loses_nothing, 0, 2);
    tcase_add_test(tests, a_command_reads_and_writes_as_it_expects);
    tcase_add_test(tests, a_token_that_is_not_there_is_an_error);
    tcase_add_test(tests, a_reset_is_an_end);
    tcase_add_test(tests, the_end_alone_is_waited_for);
    tcase_add_test(tests, commands_are_run_with_ready_streams);
    tcase_add_test(tests, one_token_is_run_alone);
    tcase_add_test(tests, a_stream_goes_back_after_the_time_limit);
    tcase_add_test(tests, batches_are_passed_on);
    tcase_add_test(tests, a_long_batch_is_passed_on);
    tcase_add_test(tests, a_batch_ends_with_its_answers);
    tcase_add_test(tests, a_daemon_that_ends_leaves_a_batch_unanswered);
    tcase_add_test(tests, a_batch_meets_its_timeout);
    suite_add_tcase(suite, tests);
    return suite;
}
