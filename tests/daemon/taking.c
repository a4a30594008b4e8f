/* SPDX-License-Identifier: MIT */
/*
 * Streams that are handed over: PROTOCOL.md, `take`, and section 6.
 */
#include "tests/daemon/fixture.h"
#include "tests/daemon/passing.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *daemon_taking_suite(void);

START_TEST(the_stream_goes_on_with_all_its_bytes)
{
    int peer = open_stream(&wire, 1, ""), fd;

    put_bytes(peer, "abc");
    expect_event(&wire, 1, READY_READABLE);
    expect_in(call(&wire, "read", "[1,1]"), "{'data':'a'}");
    fd = take(&wire, 1);
    put_bytes(peer, "d");
    expect_bytes(fd, "bcd");
    put_bytes(fd, "back");
    expect_bytes(peer, "back");
    expect_silence(&wire);
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    close(fd);
    expect_eof(peer); /* nobody else has it */
    close(peer);
}
END_TEST

START_TEST(the_token_is_free_again)
{
    int peer = open_stream(&wire, 1, ",'mode':'edge'"), other, fd = take(&wire, 1);

    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "take", "[1]");
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "reregister", "[1]");
    other = open_stream(&wire, 1, ",'mode':'edge'");
    write_byte(peer);
    expect_silence(&wire);
    write_byte(other);
    expect_event(&wire, 1, READY_READABLE);
    close(peer);
    close(other);
    close(fd);
}
END_TEST

/* What became ready in the same turn is not told behind the reply. */
START_TEST(no_event_comes_after_the_reply)
{
    int fds[PASSED_MAX];

    for (int i = 0; i < 100; i++) {
        int peer = open_stream(&wire, 1, ",'mode':'edge'");

        write_byte(peer);
        say(&wire, "{'jsonrpc':'2.0','id':1,'method':'take','params':[1]}");
        if (read_line_with(&wire, fds) == 0) {
            expect_in(wire.message, "{'method':'ready'}");
            ck_assert_uint_eq(read_line_with(&wire, fds), 1);
        }
        expect_in(wire.message, "{'id':1,'result':{'token':1,'fd':true}}");
        expect_silence(&wire);
        close(peer);
        close(fds[0]);
    }
}
END_TEST

START_TEST(pipes_and_listening_sockets)
{
    struct port listening;
    int fds[2], fd;

    make_pipe(fds);
    adopt(&wire, 1, fds[0], "");
    fd = take(&wire, 1);
    put_bytes(fds[1], "pipe");
    expect_bytes(fd, "pipe");
    close(fd);
    close(fds[1]);
    port_open(&listening);
    adopt(&wire, 1, listening.fd, "");
    listening.fd = take(&wire, 1);
    call(&wire, "register", "[1,'%s']", listening.address);
    close(port_accept(&listening));
    port_close(&listening);
}
END_TEST

START_TEST(what_is_not_there_is_not_taken)
{
    struct black_hole hole;

    black_hole_open(&hole);
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "take", "[1]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'token'}", "take", NULL);
    say(&wire, "{'jsonrpc':'2.0','method':'register','params':[1,'%s']}", hole.port.address);
    call_fails(&wire, "NOT_CONNECTED", NULL, "take", "[1]");
    call(&wire, "close_loop", NULL);
    call_fails(&wire, "LOOP_CLOSED", NULL, "take", "[1]");
    black_hole_close(&hole);
}
END_TEST

START_TEST(without_a_reply_the_stream_is_closed)
{
    int fds[2], peer = open_stream(&wire, 1, "");

    make_pair(SOCK_STREAM, fds);
    adopt(&wire, 2, fds[0], ",'interests':[]");
    say(&wire, "{'jsonrpc':'2.0','method':'take','params':[1]}");
    say(&wire, "[{'jsonrpc':'2.0','method':'take','params':[2]},{'jsonrpc':'2.0','id':1,'method':'ping'}]");
    expect(&wire, "[{'id':1,'result':{}}]");
    expect_eof(peer);
    expect_eof(fds[1]);
    close(peer);
    close(fds[1]);
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "take", "[1]");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
}
END_TEST

START_TEST(a_client_that_writes_no_more_gets_it)
{
    int fds[PASSED_MAX], peer;
    struct wire other;

    wire_open(&other, minimiod.socket);
    peer = open_stream(&other, 1, ",'interests':[]");
    say(&other, "{'jsonrpc':'2.0','id':1,'method':'take','params':[1]}");
    wire_finish(&other);
    ck_assert_uint_eq(read_line_with(&other, fds), 1);
    expect_end(&other);
    put_bytes(peer, "x");
    expect_bytes(fds[0], "x");
    close(fds[0]);
    close(peer);
    wire_close(&other);
}
END_TEST

/* ---- As its owner has set it up ---------------------------------------------------------------------------------- */

static struct linger linger_of(int fd)
{
    struct linger linger;
    socklen_t length = sizeof linger;

    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length), 0);
    return linger;
}

static void set_linger(int fd, int seconds)
{
    struct linger linger = {.l_onoff = 1, .l_linger = seconds};

    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
}

START_TEST(its_options_are_as_they_were)
{
    int fds[2], fd;

    make_tcp_pair(fds);
    set_linger(fds[0], 7);
    adopt(&wire, 1, fds[0], "");
    fd = take(&wire, 1);
    call(&wire, "ping", NULL);
    ck_assert_int_ne(linger_of(fd).l_onoff, 0);
    ck_assert_int_eq(linger_of(fd).l_linger, 7);
    close(fd);
    close(fds[1]);
}
END_TEST

/* Takes a stream that lingers and lets it go at once: whoever of the two closes it last waits for the peer. Begins when
 * the parent has closed its own copy, and ends `taken` when the daemon may be the last to have one. */
static void take_and_close(int fd, int taken)
{
    static const char bytes[65536];
    struct wire own;

    expect_bytes(taken, "x");
    wire_open(&own, minimiod.socket);
    while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        ;
    set_linger(fd, 10 * PROCESS_TIMEOUT_MS / 1000);
    adopt(&own, 1, fd, "");
    fd = take(&own, 1);
    close(taken);
    close(fd);
    _exit(0);
}

START_TEST(nobody_waits_for_one_that_lingers)
{
    int fds[2], taken[2], before = current_descriptor_count();

    if (getenv("MINIMIO_VALGRIND"))
        return; /* under it no thread runs while another is in close() */

    for (int i = 0; i < 20; i++) {
        pid_t pid;

        make_tcp_pair(fds);
        make_pair(SOCK_STREAM, taken);
        pid = fork();
        if (pid == 0) {
            close(fds[1]);
            take_and_close(fds[0], taken[0]);
        }
        close(fds[0]);
        close(taken[0]);
        put_bytes(taken[1], "x");
        expect_eof(taken[1]);
        for (int n = 0; n < 10; n++)
            call(&wire, "ping", NULL);
        close(fds[1]);
        close(taken[1]);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    }
    await_descriptor_count(before);
}
END_TEST

/* ---- Which line it comes with ------------------------------------------------------------------------------------ */

START_TEST(it_comes_with_its_own_line)
{
    int fds[3][2], got[PASSED_MAX];
    ino_t inodes[3];

    for (int i = 0; i < 3; i++) {
        make_pair(SOCK_STREAM, fds[i]);
        inodes[i] = inode_of(fds[i][0]);
        adopt(&wire, (uint64_t)i, fds[i][0], "");
    }
    wire_send(&wire, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"ping\"}"
                     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"take\",\"params\":[2]}"
                     "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}"
                     "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"take\",\"params\":[9]}"
                     "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"take\",\"params\":[0]}"
                     "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"take\",\"params\":[1]}"
                     "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"ping\"}");
    for (int id = 0; id < 7; id++) {
        static const int tokens[] = {-1, 2, -1, -1, 0, 1, -1};

        ck_assert_uint_eq(read_line_with(&wire, got), tokens[id] >= 0);
        expect_in(wire.message, "{'id':%d}", id);
        if (tokens[id] < 0)
            continue;
        ck_assert_uint_eq(inode_of(got[0]), inodes[tokens[id]]);
        close(got[0]);
        close(fds[tokens[id]][1]);
    }
}
END_TEST

START_TEST(a_batch_has_all_with_its_first_byte)
{
    int fds[3][2], got[PASSED_MAX];
    ino_t inodes[3];

    for (int i = 0; i < 3; i++) {
        make_pair(SOCK_STREAM, fds[i]);
        inodes[i] = inode_of(fds[i][0]);
        adopt(&wire, (uint64_t)i, fds[i][0], "");
    }
    say(&wire, "{'jsonrpc':'2.0','id':'first','method':'ping'}"
               "[{'jsonrpc':'2.0','id':1,'method':'hello'},{'jsonrpc':'2.0','id':2,'method':'take','params':[2]},"
               "{'jsonrpc':'2.0','id':3,'method':'take','params':[0]},{'jsonrpc':'2.0','id':4,'method':'stats'},"
               "{'jsonrpc':'2.0','id':5,'method':'take','params':[0]},"
               "{'jsonrpc':'2.0','id':6,'method':'take','params':[1]}]"
               "{'jsonrpc':'2.0','id':'last','method':'ping'}");
    ck_assert_uint_eq(read_line_with(&wire, got), 0);
    ck_assert_uint_eq(read_line_with(&wire, got), 3);
    expect_in(wire.message, "[{'id':1},{'result':{'token':2,'fd':true}},{'result':{'token':0}},{'id':4},"
                            "{'error':{'data':{'name':'TOKEN_UNKNOWN'}}},{'result':{'token':1}}]");
    for (int i = 0; i < 3; i++) {
        static const int tokens[] = {2, 0, 1};

        ck_assert_uint_eq(inode_of(got[i]), inodes[tokens[i]]);
        close(got[i]);
        close(fds[i][1]);
    }
    ck_assert_uint_eq(read_line_with(&wire, got), 0);
}
END_TEST

static void adopt_many(struct wire *on, int fd, int count)
{
    for (int i = 0; i < count; i++)
        adopt(on, (uint64_t)i, dup(fd), ",'interests':[]");
}

START_TEST(a_batch_that_waits_keeps_them)
{
    int fds[2], got[PASSED_MAX], before = current_descriptor_count();
    struct black_hole hole;

    black_hole_open(&hole);
    make_pair(SOCK_STREAM, fds);
    adopt_many(&wire, fds[0], 63);
    wire_send(&wire, "[");
    for (int i = 0; i < 63; i++)
        say(&wire, "{'jsonrpc':'2.0','id':%d,'method':'take','params':[%d]},", i, i);
    say(&wire, "{'jsonrpc':'2.0','id':'w','method':'register','params':[99,'%s',null,null,null,100]}]",
        hole.port.address);
    ck_assert_uint_eq(read_line_with(&wire, got), 63);
    expect_in(cJSON_GetArrayItem(wire.message, 63), "{'id':'w','error':{'data':{'name':'TIMED_OUT'}}}");
    for (int i = 0; i < 63; i++)
        close(got[i]);
    await_descriptor_count(before);
    black_hole_close(&hole);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* Neither what is registered nor what is unclaimed, they have a bound of their own, and end with the session. */
#define BATCHES 10
START_TEST(batches_that_wait_keep_no_more_than_fits)
{
    int fds[2], before = current_descriptor_count();
    struct black_hole hole;
    struct wire other;

    black_hole_open(&hole);
    make_pair(SOCK_STREAM, fds);
    wire_open(&other, minimiod.socket);
    for (int batch = 0; batch < BATCHES; batch++) {
        adopt_many(&other, fds[0], 63);
        wire_send(&other, "[");
        for (int i = 0; i < 63; i++)
            say(&other, "{'jsonrpc':'2.0','id':%d,'method':'take','params':[%d]},", i, i);
        say(&other, "{'jsonrpc':'2.0','id':'w','method':'register','params':[%d,'%s',null,null,null,0]}]", 100 + batch,
            hole.port.address);
        for (int i = 0; i < 63; i++)
            say(&other, "{'jsonrpc':'2.0','method':'deregister','params':[%d]}", i);
        call(&other, "ping", NULL);
    }
    ck_assert_int_le(current_descriptor_count(), before + 1 + BATCHES + PASSED_MAX);
    close(fds[0]);
    wire_close(&other);
    expect_eof(fds[1]);
    close(fds[1]);
    await_descriptor_count(before);
    black_hole_close(&hole);
}
END_TEST

/* ---- Clients that do not read ------------------------------------------------------------------------------------ */

#define UNREAD      2000
#define UNREAD_TEXT "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"hello\"}"
#define TAKE_TEXT   "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"take\",\"params\":[%d]}"

START_TEST(it_waits_its_turn_behind_what_is_unread)
{
    int fds[2], got[PASSED_MAX], peer = open_stream(&wire, 1, ",'interests':[]");
    size_t length = 0;
    char *text = NULL;
    FILE *stream = open_memstream(&text, &length);

    make_pair(SOCK_STREAM, fds);
    adopt_many(&wire, fds[0], 1);
    for (int i = 0; i < UNREAD; i++)
        if (i == UNREAD / 2 || i == UNREAD - 1)
            fprintf(stream, TAKE_TEXT, i, i == UNREAD / 2);
        else
            fprintf(stream, UNREAD_TEXT, i);
    fclose(stream);
    wire_send_bytes(&wire, text, length);
    for (int i = 0; i < UNREAD; i++) {
        ck_assert_uint_eq(read_line_with(&wire, got), i == UNREAD / 2 || i == UNREAD - 1);
        expect_in(wire.message, "{'id':%d}", i);
        if (i == UNREAD / 2) {
            put_bytes(peer, "x");
            expect_bytes(got[0], "x");
        }
    }
    free(text);
    close(peer);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* The kernel takes a few hundred replies with a descriptor each; the daemon keeps 64 behind them, and stops. */
#define MANY 1500
static void take_many(struct wire *on, int fd)
{
    size_t length = 0;
    char *text = NULL;
    FILE *stream = open_memstream(&text, &length);

    adopt_many(on, fd, MANY);
    for (int i = 0; i < MANY; i++)
        fprintf(stream, TAKE_TEXT, i, i);
    fclose(stream);
    wire_send_bytes(on, text, length);
    free(text);
}

START_TEST(many_stop_until_the_client_reads)
{
    int fds[2], got[PASSED_MAX];
    int64_t left, before;
    struct wire other;

    make_pair(SOCK_STREAM, fds);
    wire_open(&other, minimiod.socket);
    take_many(&other, fds[0]);
    left = counter(&wire, "registrations");
    do {
        before = left;
        left = counter(&wire, "registrations");
    } while (left != before);
    ck_assert_int_gt(left, MANY / 2);
    for (int i = 0; i < MANY; i++) {
        ck_assert_uint_eq(read_line_with(&other, got), 1);
        expect_in(other.message, "{'id':%d,'result':{'token':%d}}", i, i);
        close(got[0]);
    }
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    wire_close(&other);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(what_is_not_sent_ends_with_the_session)
{
    int fds[2], before = current_descriptor_count();
    struct wire other;

    make_pair(SOCK_STREAM, fds);
    wire_open(&other, minimiod.socket);
    take_many(&other, fds[0]);
    call(&wire, "ping", NULL);
    close(fds[0]);
    wire_close(&other);
    expect_eof(fds[1]);
    close(fds[1]);
    await_descriptor_count(before);
}
END_TEST

/*
 * Without privileges no more descriptors can be under way than one may have open: the daemon then waits until some have
 * arrived. Root without the capabilities is held to that as well.
 */
#define ROUNDS 13
START_TEST(as_many_are_under_way_as_may_be)
{
    struct minimiod daemon;
    struct wire other;
    char text[8192];
    int fds[2], got[PASSED_MAX];

    make_pair(SOCK_STREAM, fds);
    start_without_privileges(&daemon, 160);
    wire_open(&other, daemon.socket);
    for (int round = 0; round < ROUNDS; round++) {
        int sixteen[16], length = 0;

        for (int i = 0; i < 16; i++) {
            sixteen[i] = fds[0];
            length += snprintf(text + length, sizeof text - (size_t)length,
                               "{\"jsonrpc\":\"2.0\",\"method\":\"register\",\"params\":[%d,null,true,[]]}" TAKE_TEXT,
                               i, i, i);
        }
        send_with(&other, text, (size_t)length, sixteen, 16);
    }
    for (int i = 0; i < ROUNDS * 16; i++) {
        ck_assert_uint_eq(read_line_with(&other, got), 1);
        expect_in(other.message, "{'id':%d,'result':{'token':%d}}", i % 16, i % 16);
        close(got[0]);
    }
    wire_close(&other);
    stop_minimiod(&daemon);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(a_hundred_round_trips_leave_nothing)
{
    int fds[2], before = current_descriptor_count();

    make_pair(SOCK_STREAM, fds);
    for (int i = 0; i < 100; i++) {
        char text[16];

        adopt(&wire, 1, fds[0], i % 2 ? "" : ",'interests':[]");
        snprintf(text, sizeof text, "<%d>", i);
        fds[0] = take(&wire, 1);
        put_bytes(fds[1], text);
        expect_bytes(fds[0], text);
    }
    ck_assert_int_eq(current_descriptor_count(), before);
    close(fds[0]);
    expect_eof(fds[1]);
    close(fds[1]);
}
END_TEST

Suite *daemon_taking_suite(void)
{
    Suite *suite = suite_create("daemon_taking");
    TCase *tests = add_case(suite, "taking");

    tcase_add_test(tests, the_stream_goes_on_with_all_its_bytes);
    tcase_add_test(tests, the_token_is_free_again);
    tcase_add_test(tests, no_event_comes_after_the_reply);
    tcase_add_test(tests, pipes_and_listening_sockets);
    tcase_add_test(tests, what_is_not_there_is_not_taken);
    tcase_add_test(tests, without_a_reply_the_stream_is_closed);
    tcase_add_test(tests, a_client_that_writes_no_more_gets_it);
    tests = add_case(suite, "options");
    tcase_add_test(tests, its_options_are_as_they_were);
    tcase_add_test(tests, nobody_waits_for_one_that_lingers);
    tests = add_case(suite, "lines");
    tcase_add_test(tests, it_comes_with_its_own_line);
    tcase_add_test(tests, a_batch_has_all_with_its_first_byte);
    tcase_add_test(tests, a_batch_that_waits_keeps_them);
    tcase_add_test(tests, batches_that_wait_keep_no_more_than_fits);
    tests = add_case(suite, "unread");
    tcase_add_test(tests, it_waits_its_turn_behind_what_is_unread);
    tcase_add_test(tests, many_stop_until_the_client_reads);
    tcase_add_test(tests, what_is_not_sent_ends_with_the_session);
    tcase_add_test(tests, as_many_are_under_way_as_may_be);
    tcase_add_test(tests, a_hundred_round_trips_leave_nothing);
    return suite;
}
