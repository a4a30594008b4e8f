/* SPDX-License-Identifier: MIT */
/*
 * What `--log-level debug` writes: the life of a session line by line, what no line may hold, and that a reader of the
 * log who does not read holds up nobody.
 */
#include "tests/daemon/conf.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *daemon_tracing_suite(void);

static void set_up_debug(void)
{
    forget_log();
    set_up_with(ARGUMENTS("--log-level", "debug"));
    await_log("session 1: opened");
}

/* The log from its beginning. */
static const char *log_text(void)
{
    return minimiod.process.err.text;
}

/* The lines of a session, which has ended, without their beginnings; a static buffer. */
static const char *lines_of(int session)
{
    static char lines[16384];
    char start[40], end[48];
    size_t length = 0;

    snprintf(start, sizeof start, "minimiod: session %d: ", session);
    snprintf(end, sizeof end, "%sended\n", start);
    forget_log();
    await_log(end);
    for (const char *line = log_text(); *line; line = strchr(line, '\n') + 1) {
        size_t size = strcspn(line, "\n") + 1;

        if (strncmp(line, start, strlen(start)) != 0)
            continue;
        ck_assert_uint_lt(length + size, sizeof lines);
        memcpy(lines + length, line + strlen(start), size - strlen(start));
        length += size - strlen(start);
    }
    lines[length] = '\0';
    return lines;
}

/* ---- A session -------------------------------------------------------------------------------------------------- */

static void live(void)
{
    struct wire client;
    int peer;

    wire_open(&client, minimiod.socket);
    call(&client, "ping", NULL);
    say(&client, "{'jsonrpc':'2.0','id':'o','method':'open_loop','params':{'name':'jobs'}}");
    expect(&client, "{'id':'o'}");
    say(&client, "{'jsonrpc':'2.0','id':7,'method':'register','params':{'token':5,'address':'%s'}}", port.address);
    expect(&client, "{'id':7}");
    peer = port_accept(&port);
    write_byte(peer);
    expect_event(&client, 5, READY_READABLE);
    say(&client, "{'jsonrpc':'2.0','method':'deregister','params':[6]}");
    say(&client, "{'jsonrpc':'2.0','id':null,'method':'nothing'}");
    expect(&client, "{'id':null}");
    say(&client, "{'jsonrpc':'2.0','id':8,'method':'close_loop'}");
    expect(&client, "{'id':8}");
    close(peer);
    wire_close(&client);
}

START_TEST(a_session_is_told_line_by_line)
{
    char expected[2048];

    live();
    snprintf(expected, sizeof expected,
             "opened, uid %u, pid %d\n"
             "entered the anonymous loop as owner\n"
             "request ping, id \"call 1\"\n"
             "reply, id \"call 1\"\n"
             "request open_loop, id \"o\"\n"
             "left the anonymous loop\n"
             "entered the loop \"jobs\" as owner\n"
             "reply, id \"o\"\n"
             "request register, id 7, token 5\n"
             "connect, token 5: trying %s\n"
             "connect, token 5: connected\n"
             "reply, id 7\n"
             "event, token 5: readable\n"
             "request deregister, notification, token 6\n"
             "error, notification: TOKEN_UNKNOWN: token 6 is not registered in this loop\n"
             "error, id null: METHOD_NOT_FOUND: there is no method \"nothing\"\n"
             "request close_loop, id 8\n"
             "left the loop \"jobs\"\n"
             "reply, id 8\n"
             "ended\n",
             (unsigned)geteuid(), (int)getpid(), port.address);
    ck_assert_str_eq(lines_of(2), expected);
}
END_TEST

START_TEST(a_failed_connect_and_a_poll_are_told)
{
    struct wire client;
    struct port closed;
    char expected[1024];
    int peer;

    port_open(&closed);
    port_close(&closed);
    wire_open(&client, minimiod.socket);
    call(&client, "open_loop", "{'delivery':'poll'}");
    call_fails(&client, "CONNECT_FAILED", "{}", "register", "[1,'%s']", closed.address);
    peer = open_stream(&client, 2, ",'interests':['writable']");
    call(&client, "poll", "{}");
    close(peer);
    wire_close(&client);
    snprintf(expected, sizeof expected,
             "connect, token 1: trying %s\n"
             "connect, token 1: %s failed: ECONNREFUSED\n"
             "connect, token 1: not connected\n"
             "error, id \"call 2\": CONNECT_FAILED: could not connect to %s: ECONNREFUSED\n",
             closed.address, closed.address, closed.address);
    ck_assert_ptr_nonnull(strstr(lines_of(2), expected));
    ck_assert_ptr_nonnull(strstr(lines_of(2), "event, token 2: writable\nreply, id \"call 4\"\n"));
}
END_TEST

/* ---- What no line holds ----------------------------------------------------------------------------------------- */

START_TEST(no_line_holds_what_is_read_or_written)
{
    static const char sent[] = "S3CRET-sent", received[] = "S3CRET-received";
    struct wire client;
    int peer;

    wire_open(&client, minimiod.socket);
    peer = open_stream(&client, 1, "");
    call(&client, "write", "{'token':1,'data':'%s'}", sent);
    ck_assert_int_eq(send(peer, received, strlen(received), MSG_NOSIGNAL), (int)strlen(received));
    expect_event(&client, 1, READY_READABLE);
    call(&client, "read", "[1]");
    call_fails(&client, "INVALID_PARAMS", "{}", "write", "{'token':'%s','data':'%s'}", sent, sent);
    call_fails(&client, "INVALID_PARAMS", "{}", "write", "{'token':1,'data':'%s','encoding':'base64'}", sent);
    wire_send(&client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"write\",\"params\":[1,\"S3CRET-cut\n");
    expect(&client, "{'error':{'data':{'name':'PARSE_ERROR'}}}");
    close(peer);
    wire_close(&client);
    ck_assert_ptr_nonnull(strstr(lines_of(2), "request write, id \"call 2\", token 1\nreply, id \"call 2\"\n"));
    ck_assert_ptr_null(strstr(log_text(), "S3CRET"));
}
END_TEST

/* An id may have any escape and any character, and 256 bytes; a method any name. */
START_TEST(nobody_forges_a_line)
{
    static const char *const hostile[] = {"\\n", "\\u001b[2J", "\xc2\x9b", "\xe2\x80\xae", "%n%s", "\x7f"};
    char id[200] = "";
    struct wire client;
    const char *log;

    wire_open(&client, minimiod.socket);
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        say(&client, "{'jsonrpc':'2.0','id':'a%sminimiod: session 1: ended','method':'ping'}", hostile[i]);
        expect(&client, "{'result':{}}");
        say(&client, "{'jsonrpc':'2.0','id':1,'method':'b%sminimiod: session 1: ended'}", hostile[i]);
        expect(&client, "{'error':{'data':{'name':'METHOD_NOT_FOUND'}}}");
    }
    memset(id, '\\', sizeof id - 2);
    say(&client, "{'jsonrpc':'2.0','id':'%s','method':'ping'}", id);
    expect(&client, "{'result':{}}");
    wire_close(&client);
    (void)lines_of(2);
    log = log_text();
    ck_assert_ptr_null(strstr(log, "\nminimiod: session 1: ended"));
    for (const char *line = log; *line; line = strchr(line, '\n') + 1) {
        ck_assert_uint_lt(strcspn(line, "\n"), 512);
        ck_assert_int_eq(strncmp(line, "minimiod: ", strlen("minimiod: ")), 0);
    }
    for (; *log; log++)
        ck_assert((*log >= ' ' && *log <= '~') || *log == '\n');
}
END_TEST

/* ---- When and where --------------------------------------------------------------------------------------------- */

START_TEST(other_levels_write_none_of_it)
{
    conf_write("[daemon]\nlog-level = info\n");
    set_up_conf(NULL);
    live();
    ck_assert_ptr_null(strstr(log_text(), "session "));
    conf_write("[daemon]\nlog-level = debug\n");
    reload_well();
    call(&wire, "ping", NULL);
    await_log("session 1: request ping, id ");
    await_log("session 1: reply, id ");
    tear_down_conf();
}
END_TEST

/* The binary that takes over finds the loop and its stream. */
START_TEST(what_is_restored_is_told)
{
    char line[128];
    int peer;

    call(&wire, "open_loop", "['jobs']");
    peer = open_stream(&wire, 5, "");
    kill(minimiod.process.pid, SIGUSR2);
    snprintf(line, sizeof line, "minimiod: restored the loop \"jobs\" of uid %u\n", (unsigned)geteuid());
    await_log(line);
    snprintf(line, sizeof line, "minimiod: restored token 5 of the loop \"jobs\" of uid %u\n", (unsigned)geteuid());
    await_log(line);
    await_log("restored 1 named loops with 1 streams");
    close(peer);
}
END_TEST

/* The log's reader is a pipe that nobody reads: the daemon answers all the same, and says later how much is missing. */
START_TEST(a_full_log_holds_up_nobody)
{
    char path[160];
    struct process quiet;
    struct wire client;
    int pipe_end;
    char text[65536];
    ssize_t length;

    snprintf(path, sizeof path, "%s/log", minimiod.folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    pipe_end = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(pipe_end, 0);
    snprintf(text, sizeof text, "exec '%s' --log-level debug --socket '%s/quiet.sock' 2>'%s'",
             built_program("minimiod"), minimiod.folder, path);
    process_start(&quiet, false, (const char *const[]){"sh", "-c", text, NULL});
    ck_assert(poll(&(struct pollfd){.fd = pipe_end, .events = POLLIN}, 1, PROCESS_TIMEOUT_MS) == 1);
    snprintf(text, sizeof text, "%s/quiet.sock", minimiod.folder);
    wire_open(&client, text);
    for (int i = 0; i < 2000; i++) /* two lines each: more than the 64 KiB that a pipe holds */
        call(&client, "ping", NULL);
    while (read(pipe_end, text, sizeof text) > 0)
        ;
    call(&client, "ping", NULL);
    length = read(pipe_end, text, sizeof text - 1);
    ck_assert_int_gt(length, 0);
    text[length] = '\0';
    ck_assert_ptr_nonnull(strstr(text, " debug lines were not written\nminimiod: session 1: request ping, id "));
    wire_close(&client);
    kill(quiet.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&quiet, PROCESS_TIMEOUT_MS), 0);
    process_free(&quiet);
    close(pipe_end);
    unlink(path);
}
END_TEST

Suite *daemon_tracing_suite(void)
{
    Suite *suite = suite_create("daemon_tracing");
    TCase *tests = tcase_create("tracing");
    TCase *levels = tcase_create("levels");

    tcase_add_checked_fixture(tests, set_up_debug, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_session_is_told_line_by_line);
    tcase_add_test(tests, a_failed_connect_and_a_poll_are_told);
    tcase_add_test(tests, no_line_holds_what_is_read_or_written);
    tcase_add_test(tests, nobody_forges_a_line);
    tcase_add_test(tests, what_is_restored_is_told);
    tcase_add_test(tests, a_full_log_holds_up_nobody);
    suite_add_tcase(suite, tests);
    tcase_set_timeout(levels, 120);
    tcase_add_test(levels, other_levels_write_none_of_it);
    suite_add_tcase(suite, levels);
    return suite;
}
