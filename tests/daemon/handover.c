/* SPDX-License-Identifier: MIT */
/* SIGUSR2: the daemon becomes the binary that is at its place by then; named loops and the listening socket stay. */
#include "tests/daemon/conf.h"
#include "tests/daemon/passing.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

Suite *daemon_handover_suite(void);

/* Events may still come before the session is told that it ends. */
static void await_farewell(struct wire *session, const char *loop)
{
    do
        ck_assert(wire_read(session));
    while (!strcmp(member(session->message, "method")->valuestring, "ready"));
    expect_in(session->message, "{'method':'loop_closed','params':{'loop':%s,'reason':'shutdown'}}", loop);
    expect_end(session);
    wire_close(session);
}

static void hand_over(struct wire *session, const char *loop)
{
    kill(minimiod.process.pid, SIGUSR2);
    await_farewell(session, loop);
}

static void come_back(const char *loop, int registrations)
{
    wire_open(&wire, minimiod.socket);
    expect_in(call(&wire, "open_loop", "{'name':'%s'}", loop), "{'created':false,'registrations':%d}", registrations);
}

static bool has_input(int fd)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};

    return poll(&readable, 1, 0) == 1;
}

START_TEST(a_named_loop_goes_on_whole)
{
    static const char *const modes[] = {"oneshot", "edge", "level"};
    int peers[3];

    call(&wire, "open_loop", "{'name':'kept','delivery':'poll','linger_ms':77777}");
    for (int i = 0; i < 3; i++) {
        char more[64];
        snprintf(more, sizeof more, ",'mode':'%s','interests':['readable','writable']", modes[i]);
        peers[i] = open_stream(&wire, (uint64_t)i, more);
        write_byte(peers[i]);
    }
    hand_over(&wire, "'kept'");
    wire_open(&wire, minimiod.socket);
    expect_in(call(&wire, "loops", NULL),
              "{'loops':[{'name':'kept','registrations':3,'attached':false,'linger_ms':77777}]}");
    expect_in(call(&wire, "open_loop", "{'name':'kept'}"), "{'created':false,'delivery':'poll','registrations':3}");
    /* That the edge one is ready is known, the others are asked about first. */
    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'readable':true,'writable':true},{'token':0},{'token':"
                                         "2}]}");
    for (int i = 0; i < 3; i++) {
        expect_in(call(&wire, "list", "{'after':null,'limit':3}"),
                  "{'registrations':[{'mode':'oneshot','address':'%s'},{'mode':'edge'},{'mode':'level'}]}",
                  port.address);
        expect_in(call(&wire, "read", "{'token':%d}", i), "{'data':'x'}");
        ck_assert(!has_input(peers[i]));
        close(peers[i]);
    }
}
END_TEST

static int take_kept(uint64_t token)
{
    int fds[PASSED_MAX];

    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'take','params':[%llu,true]}", (unsigned long long)token);
    ck_assert_uint_eq(read_line_with(&wire, fds), 1);
    return fds[0];
}

START_TEST(descriptors_of_all_kinds_go_on)
{
    int pair[2], ends[2];

    make_pair(SOCK_DGRAM, pair);
    make_pipe(ends);
    call(&wire, "open_loop", "{'name':'kinds'}");
    adopt(&wire, 1, pair[0], "");
    adopt(&wire, 2, ends[0], "");
    hand_over(&wire, "'kinds'");
    come_back("kinds", 2);
    ck_assert_int_eq(send(pair[1], "", 0, 0), 0);
    expect_event(&wire, 1, READY_READABLE);
    expect_in(call(&wire, "read", "{'token':1}"), "{'bytes':0,'eof':false}"); /* it still is a datagram socket */
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    expect_event(&wire, 2, READY_READABLE);
    close(pair[1]);
    close(ends[1]);
}
END_TEST

/* What was taken and kept is without interests for the next daemon too, and tells it the end. */
START_TEST(cleared_interests_stay_cleared)
{
    int peers[2];

    call(&wire, "open_loop", "{'name':'cleared'}");
    for (int i = 0; i < 2; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, "");
    close(take_kept(1));
    hand_over(&wire, "'cleared'");
    come_back("cleared", 2);
    write_byte(peers[1]);
    expect_silence(&wire);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'interests':['readable']},{'interests':[]}]}");
    close(peers[1]);
    expect_event(&wire, 1, READY_READ_CLOSED);
    call(&wire, "reregister", "{'token':1,'interests':['readable']}");
    expect_event(&wire, 1, CLOSED);
    close(peers[0]);
}
END_TEST

/* The worker may have acted on it in part; a reregister says that it has not. */
START_TEST(leases_are_redelivered)
{
    int peers[3];

    call(&wire, "open_loop", "{'name':'leased','role':'worker','prefetch':3}");
    for (int i = 0; i < 3; i++) {
        peers[i] = open_stream(&wire, (uint64_t)i, ",'interests':['writable']");
        expect_event(&wire, (uint64_t)i, READY_WRITABLE);
    }
    call(&wire, "reregister", "{'token':1,'interests':['readable']}");
    write_byte(peers[2]);
    hand_over(&wire, "'leased'");
    wire_open(&wire, minimiod.socket);
    expect_in(call(&wire, "open_loop", "{'name':'leased','role':'worker','prefetch':3}"), "{'registrations':3}");
    expect_event(&wire, 0, READY_WRITABLE | READY_REDELIVERED);
    expect_event(&wire, 2, READY_WRITABLE | READY_REDELIVERED);
    call(&wire, "reregister", "[0]");
    expect_event(&wire, 0, READY_WRITABLE);
    write_byte(peers[1]);
    expect_event(&wire, 1, READY_READABLE);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
}
END_TEST

START_TEST(anonymous_loops_end_with_their_sessions)
{
    int peer = open_stream(&wire, 1, "");

    hand_over(&wire, "null");
    expect_eof(peer);
    close(peer);
    wire_open(&wire, minimiod.socket);
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
}
END_TEST

START_TEST(changes_and_ends_of_registrations_are_handed_over_too)
{
    int peers[3];

    call(&wire, "open_loop", "{'name':'changes'}");
    for (int i = 0; i < 3; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, "");
    call(&wire, "reregister", "{'token':0,'interests':['writable'],'mode':'edge'}");
    call(&wire, "deregister", "{'token':1}");
    expect_eof(peers[1]);
    hand_over(&wire, "'changes'");
    come_back("changes", 2);
    expect_in(call(&wire, "list", NULL),
              "{'registrations':[{'token':0,'interests':['writable'],'mode':'edge'},{'token':2}]}");
    call(&wire, "close_loop", NULL);
    expect_eof(peers[0]);
    expect_eof(peers[2]);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
}
END_TEST

/* The peer counts up, the client reads and compares, and the daemon is another one every few bytes. */
START_TEST(twenty_in_a_row_lose_no_byte)
{
    int peer, descriptors = 0;
    char text[16];

    call(&wire, "open_loop", "{'name':'row'}");
    peer = open_stream(&wire, 1, ",'mode':'edge'");
    for (int i = 0; i < 20; i++) {
        int length = snprintf(text, sizeof text, "%d;", i);
        ck_assert_int_eq(send(peer, text, (size_t)length, 0), length);
        if (i % 2)
            expect_event(&wire, 1, READY_READABLE);
        hand_over(&wire, "'row'");
        come_back("row", 1);
        expect_event(&wire, 1, READY_READABLE);
        if (i == 0)
            descriptors = current_descriptor_count();
        expect_in(call(&wire, "read", "{'token':1}"), "{'data':'%s'}", text);
    }
    ck_assert_int_eq(current_descriptor_count(), descriptors); /* and leave none behind */
    close(peer);
}
END_TEST

START_TEST(clients_that_come_meanwhile_wait)
{
    struct wire others[10];

    call(&wire, "ping", NULL); /* once served, it is a session of the old one's */
    kill(minimiod.process.pid, SIGUSR2);
    for (int i = 0; i < 10; i++) {
        wire_open(&others[i], minimiod.socket);
        say(&others[i], "{'jsonrpc':'2.0','id':1,'method':'ping'}");
    }
    /* Those whom the old one had accepted are told, the others served. */
    for (int i = 0; i < 10; i++) {
        ck_assert(wire_read(&others[i]));
        wire_close(&others[i]);
    }
    await_farewell(&wire, "null");
    wire_open(&wire, minimiod.socket);
    call(&wire, "ping", NULL);
}
END_TEST

/* A client that does not read keeps the old one from becoming another for a moment, in which it is asked to end. */
START_TEST(it_ends_if_asked_while_it_takes_leave)
{
    struct wire slow;
    int sent;

    wire_open(&slow, minimiod.socket);
    fill_until_blocked(&slow, &sent);
    kill(minimiod.process.pid, SIGUSR2);
    expect(&wire, "{'method':'loop_closed','params':{'reason':'shutdown'}}");
    kill(minimiod.process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&minimiod.process, PROCESS_TIMEOUT_MS), 0);
    process_free(&minimiod.process);
    ck_assert_int_ne(access(minimiod.socket, F_OK), 0);
    ck_assert_int_eq(rmdir(minimiod.folder), 0);
    wire_close(&slow);
    wire_close(&wire);
    port_close(&port);
}
END_TEST

/* One that could not read its settings would end with every stream in its hands. */
START_TEST(with_a_wrong_file_the_old_one_goes_on)
{
    int peer;

    conf_write("# none\n");
    set_up_conf(NULL);
    call(&wire, "open_loop", "{'name':'kept'}");
    peer = open_stream(&wire, 1, "");
    conf_write("[limits]\nsessions = none\n");
    kill(minimiod.process.pid, SIGUSR2);
    await_log("write a number");
    await_log("not handed over: the configuration is wrong; this binary continues");
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE); /* the session too */
    conf_write("# none\n");
    hand_over(&wire, "'kept'");
    come_back("kept", 1);
    expect_event(&wire, 1, READY_READABLE);
    close(peer);
    tear_down_conf();
}
END_TEST

/* ---- A binary of the test's own ---------------------------------------------------------------------------------- */

static char program[160];

static bool can_be_copied(void)
{
    bool can = !getenv("MINIMIO_VALGRIND");

    if (!can)
        printf("handover: valgrind's own file is the program there\n");
    return can;
}

static void copy_program(void)
{
    struct process copying;

    ck_assert_int_eq(process_run(&copying, ARGUMENTS("cp", built_program("minimiod"), program)), 0);
    process_free(&copying);
}

/* `config`: NULL for none. */
static void start_copy_with(const char *config)
{
    snprintf(minimiod.folder, sizeof minimiod.folder, "%s/minimio-test-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(minimiod.folder));
    snprintf(minimiod.socket, sizeof minimiod.socket, "%s/minimio.sock", minimiod.folder);
    snprintf(program, sizeof program, "%s/minimiod", minimiod.folder);
    copy_program();
    process_start(&minimiod.process, false,
                  ARGUMENTS(program, "--socket", minimiod.socket, config ? "--config" : NULL, config));
    ck_assert(process_await_text(&minimiod.process, &minimiod.process.err, "listening on ", PROCESS_TIMEOUT_MS));
    wire_open(&wire, minimiod.socket);
    port_open(&port);
}

static void start_copy(void)
{
    start_copy_with(NULL);
}

static void await(const char *text)
{
    ck_assert(process_await_text(&minimiod.process, &minimiod.process.err, text, PROCESS_TIMEOUT_MS));
}

START_TEST(the_new_binary_may_have_replaced_the_old_one)
{
    int peer;

    if (!can_be_copied())
        return;
    start_copy();
    call(&wire, "open_loop", "{'name':'kept'}");
    peer = open_stream(&wire, 1, "");
    ck_assert_int_eq(unlink(program), 0);
    copy_program();
    hand_over(&wire, "'kept'");
    come_back("kept", 1);
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    close(peer);
    unlink(program);
    tear_down();
}
END_TEST

static void replace_program(const char *script)
{
    FILE *file;

    unlink(program);
    file = fopen(program, "we");
    ck_assert_ptr_nonnull(file);
    fputs(script, file);
    ck_assert_int_eq(fchmod(fileno(file), 0700), 0);
    fclose(file);
}

/* Its session has noticed nothing. */
static void expect_untouched(int peer)
{
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    expect_in(call(&wire, "read", "[1]"), "{'data':'x'}");
    call(&wire, "reregister", "[1]");
}

static const struct {
    const char *script; /* NULL: there is no file */
    const char *log;
} unfit[] = {
    {NULL, "/minimiod': No such file or directory; this binary continues"},
    {"no program", "not handed over: Exec format error; this binary continues"},
    {"#!/nowhere/interpreter\n", "not handed over: No such file or directory; this binary continues"},
    {"#!/bin/sh\nexit 3\n", "checked its configuration and ended with 3; this binary continues"},
    {"#!/bin/sh\nkill -SEGV $$\n", "signal 11 ended the new binary as it checked its configuration"},
    {"#!/bin/sh\necho no option $3 >&2\nexit 2\n", "no option --check-config"},
    {"#!/bin/sh\nexec sleep 100\n", "did not check its configuration within 10 s; this binary continues"},
};

START_TEST(to_a_binary_that_cannot_start_nothing_is_handed_over)
{
    int peer;

    if (!can_be_copied())
        return;
    start_copy();
    call(&wire, "open_loop", "{'name':'kept'}");
    peer = open_stream(&wire, 1, "");
    if (unfit[_i].script)
        replace_program(unfit[_i].script);
    else
        ck_assert_int_eq(unlink(program), 0);
    kill(minimiod.process.pid, SIGUSR2);
    expect_untouched(peer);
    await(unfit[_i].log);
    await("this binary continues");
    expect_untouched(peer);
    unlink(program);
    copy_program();
    hand_over(&wire, "'kept'");
    come_back("kept", 1);
    expect_untouched(peer);
    close(peer);
    unlink(program);
    tear_down();
}
END_TEST

/* What becomes of the file when the new binary has been tried. */
static const char *const changes[] = {"printf '[limits]\nbatch = 12\n' >", "echo nonsense >", "rm"};

START_TEST(the_settings_that_were_tried_are_used)
{
    char script[800];

    if (!can_be_copied())
        return;
    conf_write("[limits]\nbatch = 10\n");
    start_copy_with(conf_path);
    call(&wire, "open_loop", "{'name':'kept'}");
    conf_write("[limits]\nbatch = 11\n");
    snprintf(
        script, sizeof script,
        "#!/bin/sh\ncase \"$*\" in *--check-config)\n'%s' \"$@\" || exit\n%s '%s'\nexit 0\nesac\nexec '%s' \"$@\"\n",
        built_program("minimiod"), changes[_i], conf_path, built_program("minimiod"));
    replace_program(script);
    hand_over(&wire, "'kept'");
    come_back("kept", 0);
    ck_assert_int_eq(member(call(&wire, "hello", NULL), "limits.batch")->valueint, 11);
    conf_write("[limits]\nbatch = 13\n");
    kill(minimiod.process.pid, SIGHUP);
    while (member(call(&wire, "hello", NULL), "limits.batch")->valueint != 13)
        ;
    unlink(program);
    tear_down_conf();
}
END_TEST

/* As some parents leave it: that the trial is over has to be heard of all the same. */
START_TEST(it_may_be_started_with_signals_blocked)
{
    sigset_t child, before;

    if (!can_be_copied())
        return;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &child, &before), 0);
    start_copy();
    ck_assert_int_eq(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    call(&wire, "open_loop", "{'name':'kept'}");
    hand_over(&wire, "'kept'");
    come_back("kept", 0);
    hand_over(&wire, "'kept'");
    come_back("kept", 0);
    unlink(program);
    tear_down();
}
END_TEST

START_TEST(one_that_is_tried_ends_with_the_daemon)
{
    struct pollfd ended = {.events = POLLIN};
    const char *said;
    pid_t tried;

    if (!can_be_copied())
        return;
    start_copy();
    replace_program("#!/bin/sh\necho tried as $$. >&2\nexec sleep 100\n");
    kill(minimiod.process.pid, SIGUSR2);
    await(".\n");
    said = strstr(minimiod.process.err.text, "tried as ");
    ck_assert_ptr_nonnull(said);
    tried = atoi(said + strlen("tried as "));
    ended.fd = (int)syscall(SYS_pidfd_open, tried, 0);
    ck_assert_int_ge(ended.fd, 0);
    ck_assert_int_eq(poll(&ended, 1, 0), 0);
    kill(minimiod.process.pid, SIGUSR2);
    await("a trial of a new binary is in progress");
    unlink(program);
    tear_down();
    ck_assert_int_eq(poll(&ended, 1, PROCESS_TIMEOUT_MS),
                     1); /* ended, though whoever inherits it may not have noticed */
    close(ended.fd);
}
END_TEST

Suite *daemon_handover_suite(void)
{
    Suite *suite = suite_create("daemon_handover");
    TCase *tests = add_case(suite, "handover");
    TCase *alone = tcase_create("binary");
    TCase *asked = tcase_create("asked");

    tcase_add_test(tests, a_named_loop_goes_on_whole);
    tcase_add_test(tests, descriptors_of_all_kinds_go_on);
    tcase_add_test(tests, cleared_interests_stay_cleared);
    tcase_add_test(tests, leases_are_redelivered);
    tcase_add_test(tests, anonymous_loops_end_with_their_sessions);
    tcase_add_test(tests, changes_and_ends_of_registrations_are_handed_over_too);
    tcase_add_test(tests, twenty_in_a_row_lose_no_byte);
    tcase_add_test(tests, clients_that_come_meanwhile_wait);
    tcase_set_timeout(alone, 120);
    tcase_add_checked_fixture(asked, set_up, NULL);
    tcase_set_timeout(asked, 120);
    tcase_add_test(asked, it_ends_if_asked_while_it_takes_leave);
    suite_add_tcase(suite, asked);
    tcase_add_test(alone, the_new_binary_may_have_replaced_the_old_one);
    tcase_add_test(alone, with_a_wrong_file_the_old_one_goes_on);
    tcase_add_loop_test(alone, to_a_binary_that_cannot_start_nothing_is_handed_over, 0, LENGTH(unfit));
    tcase_add_loop_test(alone, the_settings_that_were_tried_are_used, 0, LENGTH(changes));
    tcase_add_test(alone, it_may_be_started_with_signals_blocked);
    tcase_add_test(alone, one_that_is_tried_ends_with_the_daemon);
    suite_add_tcase(suite, alone);
    return suite;
}
