/* SPDX-License-Identifier: MIT */
/*
 * Streams that are handed over: PROTOCOL.md, `take` and "Descriptors".
 */
#include "tests/daemon/fixture.h"
#include "tests/daemon/passing.h"
#include "tests/skip.h"

#include <errno.h>
#include <fcntl.h>
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

    TEST_NEEDS(!getenv("MINIMIO_VALGRIND"),
               "a process that shares the table of descriptors, which valgrind does not allow");
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

/* Neither what is registered nor what is unclaimed, they have a bound of their own, and end with the session. More
 * batches would hold more answers than a session may leave unread. */
#define BATCHES 6
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
    await_descriptor_count(before + 1 + BATCHES + PASSED_MAX);
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
#define ROUNDS 30
START_TEST(as_many_are_under_way_as_may_be)
{
    struct minimiod daemon;
    struct wire other;
    char text[8192];
    int fds[2], got[PASSED_MAX];

    make_pair(SOCK_STREAM, fds);
    start_without_privileges(&daemon, 432);
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
    call(&wire, "ping", NULL);
    await_descriptor_count(before);
    close(fds[0]);
    expect_eof(fds[1]);
    close(fds[1]);
}
END_TEST

/* ---- With `keep` ------------------------------------------------------------------------------------------------- */

/* An event that was under way is told before the reply. */
static int take_and_keep(struct wire *on, uint64_t token)
{
    int fds[PASSED_MAX];

    say(on, "{'jsonrpc':'2.0','id':'keep','method':'take','params':{'token':%llu,'keep':true}}",
        (unsigned long long)token);
    if (read_line_with(on, fds) == 0) {
        expect_in(on->message, "{'method':'ready'}");
        ck_assert_uint_eq(read_line_with(on, fds), 1);
    }
    expect_in(on->message, "{'id':'keep','result':{'token':%llu,'fd':true}}", (unsigned long long)token);
    return fds[0];
}

static const char *const kept_modes[] = {"", ",'mode':'edge'", ",'interests':[]"};

/* The token stays with what it has but its interests; the duplicate is the same stream. */
START_TEST(kept_the_token_tells_the_end_alone)
{
    int peer = open_stream(&wire, 1, kept_modes[_i]), fd;

    put_bytes(peer, "a");
    fd = take_and_keep(&wire, 1);
    put_bytes(peer, "b");
    expect_silence(&wire);
    expect_in(call(&wire, "list", NULL),
              "{'registrations':[{'token':1,'state':'armed','interests':[],'mode':'%s','address':'%s','pending':{}}]}",
              _i == 1 ? "edge" : "oneshot", port.address);
    expect_bytes(fd, "ab");
    put_bytes(fd, "c");
    expect_in(call(&wire, "write", "[1,'d']"), "{'bytes':1}");
    expect_bytes(peer, "cd");
    ck_assert_int_eq(counter(&wire, "registrations"), 1);
    call(&wire, "reregister", "[1]"); /* without interests they stay as they are */
    put_bytes(peer, "e");
    expect_silence(&wire);
    call(&wire, "reregister", "{'token':1,'interests':['readable']}");
    expect_event(&wire, 1, READY_READABLE);
    expect_in(call(&wire, "read", "[1]"), "{'data':'e'}");
    close(fd);
    call(&wire, "deregister", "[1]");
    expect_eof(peer);
    close(peer);
}
END_TEST

START_TEST(kept_the_stream_is_open_until_both_have_closed)
{
    int peer = open_stream(&wire, 1, ""), fd = take_and_keep(&wire, 1), before = current_descriptor_count();

    call(&wire, "deregister", "[1]");
    await_descriptor_count(before - 1);
    put_bytes(fd, "x");
    expect_bytes(peer, "x");
    close(fd);
    expect_eof(peer);
    close(peer);
}
END_TEST

/* What was ready before is not told behind the reply, and what ends then is. */
START_TEST(kept_only_the_end_is_told_after_the_reply)
{
    int fds[PASSED_MAX];

    for (int i = 0; i < 50; i++) {
        int peer = open_stream(&wire, 1, i % 2 ? "" : ",'mode':'edge'");

        write_byte(peer);
        say(&wire, "{'jsonrpc':'2.0','id':1,'method':'take','params':[1,true]}");
        if (read_line_with(&wire, fds) == 0) {
            expect_in(wire.message, "{'method':'ready'}");
            ck_assert_uint_eq(read_line_with(&wire, fds), 1);
        }
        expect_in(wire.message, "{'id':1,'result':{'token':1,'fd':true}}");
        expect_silence(&wire);
        close(peer);
        expect_event(&wire, 1, READY_READ_CLOSED);
        call(&wire, "deregister", "[1]");
        close(fds[0]);
    }
}
END_TEST

START_TEST(kept_as_a_notification_nothing_happens)
{
    int peer = open_stream(&wire, 1, "");

    say(&wire, "{'jsonrpc':'2.0','method':'take','params':[1,true]}");
    say(&wire, "[{'jsonrpc':'2.0','method':'take','params':[1,true]},{'jsonrpc':'2.0','id':1,'method':'ping'}]");
    say(&wire, "{'jsonrpc':'2.0','method':'take','params':[7,true]}");
    expect(&wire, "[{'id':1,'result':{}}]");
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'state':'armed','interests':['readable']}]}");
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    close(peer);
}
END_TEST

START_TEST(kept_what_is_not_there_is_not_taken)
{
    struct black_hole hole;

    black_hole_open(&hole);
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "take", "[1,true]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'keep'}", "take", "[1,1]");
    say(&wire, "{'jsonrpc':'2.0','method':'register','params':[1,'%s']}", hole.port.address);
    call_fails(&wire, "NOT_CONNECTED", NULL, "take", "[1,true]");
    call(&wire, "close_loop", NULL);
    call_fails(&wire, "LOOP_CLOSED", NULL, "take", "[1,true]");
    black_hole_close(&hole);
}
END_TEST

START_TEST(kept_what_is_no_stream_too)
{
    int fds[2], fd;

    make_pipe(fds);
    adopt(&wire, 1, fds[0], "");
    fd = take_and_keep(&wire, 1);
    put_bytes(fds[1], "pipe");
    expect_bytes(fd, "pipe");
    expect_silence(&wire);
    close(fds[1]);
    expect_event(&wire, 1, READY_READ_CLOSED);
    close(fd);
}
END_TEST

/* More duplicates than batches may keep: those too many leave their token as it was. */
START_TEST(kept_batches_hold_no_more_than_fits)
{
    int fds[2], got[PASSED_MAX], before = current_descriptor_count();
    struct black_hole hole;

    black_hole_open(&hole);
    make_pair(SOCK_STREAM, fds);
    adopt(&wire, 1, dup(fds[0]), "");
    adopt(&wire, 2, fds[0], "");
    for (int batch = 0; batch < 5; batch++) {
        wire_send(&wire, "[");
        for (int i = 0; i < 63; i++)
            say(&wire, "{'jsonrpc':'2.0','id':%d,'method':'take','params':[%d,true]},", i,
                batch * 63 + i < 253 ? 1 : 2);
        say(&wire, "{'jsonrpc':'2.0','id':'w','method':'register','params':[%d,'%s',null,null,null,0]}]", 100 + batch,
            hole.port.address);
    }
    expect_in(call(&wire, "list", "{'limit':2}"),
              "{'registrations':[{'token':1,'interests':[]},{'token':2,'interests':['readable']}]}");
    for (int batch = 0; batch < 5; batch++)
        say(&wire, "{'jsonrpc':'2.0','method':'deregister','params':[%d]}", 100 + batch);
    for (int batch = 0; batch < 5; batch++) {
        size_t count = read_line_with(&wire, got);

        ck_assert_uint_eq(count, batch < 4 ? 63 : 253 - 4 * 63);
        while (count)
            close(got[--count]);
    }
    expect_in(cJSON_GetArrayItem(wire.message, 62),
              "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors'}}}");
    call(&wire, "deregister", "[1]");
    call(&wire, "deregister", "[2]");
    await_descriptor_count(before);
    expect_eof(fds[1]);
    close(fds[1]);
    black_hole_close(&hole);
}
END_TEST

START_TEST(kept_what_is_not_read_ends_with_the_session)
{
    int fds[2], before = current_descriptor_count();
    struct wire other;

    make_pair(SOCK_STREAM, fds);
    wire_open(&other, minimiod.socket);
    adopt(&other, 1, fds[0], "");
    for (int i = 0; i < 100; i++)
        say(&other, "{'jsonrpc':'2.0','id':1,'method':'take','params':[1,true]}");
    wire_close(&other);
    expect_eof(fds[1]);
    close(fds[1]);
    await_descriptor_count(before);
}
END_TEST

/* A client that dies with the duplicate leaves a token that the next one finds, in silence until it is armed. */
START_TEST(kept_in_a_named_loop_it_is_there_for_the_next)
{
    struct wire first;
    int peer, fd;

    wire_open(&first, minimiod.socket);
    call(&first, "open_loop", "['kept']");
    peer = open_stream(&first, 1, "");
    fd = take_and_keep(&first, 1);
    wire_close(&first);
    close(fd);
    write_byte(peer);
    while (counter(&wire, "sessions") > 1)
        ;
    expect_in(call(&wire, "open_loop", "['kept']"), "{'created':false,'registrations':1}");
    expect_silence(&wire);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':1,'interests':[],'state':'armed'}]}");
    call(&wire, "reregister", "{'token':1,'interests':['readable']}");
    expect_event(&wire, 1, READY_READABLE);
    call(&wire, "close_loop", NULL);
    close(peer);
}
END_TEST

START_TEST(kept_without_a_descriptor_left_nothing_changes)
{
    struct minimiod small;
    struct wire on;
    int peer, fds[PASSED_MAX], count = 0;

    start_with_descriptors(&small, 342);
    wire_open(&on, small.socket);
    peer = open_stream(&on, 1, "");
    /* Duplicates that a batch keeps fill the table. */
    wire_send(&on, "[");
    for (int i = 0; i < 63; i++)
        say(&on, "{'jsonrpc':'2.0','id':%d,'method':'take','params':[1,true]},", i);
    wire_send(&on, "{\"jsonrpc\":\"2.0\",\"id\":63,\"method\":\"take\",\"params\":[1,true]}]");
    count = (int)read_line_with(&on, fds);
    ck_assert_int_gt(count, 0);
    ck_assert_int_lt(count, 64);
    expect_in(cJSON_GetArrayItem(on.message, 63),
              "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors','max':342}}}");
    while (count)
        close(fds[--count]);
    put_bytes(peer, "x");
    fds[0] = take_and_keep(&on, 1);
    expect_bytes(fds[0], "x");
    close(fds[0]);
    wire_close(&on);
    expect_eof(peer);
    close(peer);
    stop_minimiod(&small);
}
END_TEST

/* What is given is as it was: the daemon changes no flag of a descriptor that it was given. */
START_TEST(flags_are_as_they_were)
{
    for (int keep = 0; keep < 2; keep++) {
        int fds[2], fd, peer;

        for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
            make_pair(SOCK_STREAM, fds);
            ck_assert_int_eq(fcntl(fds[0], F_SETFL, flags), 0);
            adopt(&wire, 1, fds[0], "");
            fd = keep ? take_and_keep(&wire, 1) : take(&wire, 1);
            ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, flags);
            if (keep)
                call(&wire, "deregister", "[1]");
            close(fd);
            close(fds[1]);
        }
        peer = open_stream(&wire, 1, "");
        fd = keep ? take_and_keep(&wire, 1) : take(&wire, 1);
        ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0); /* which the daemon has made */
        if (keep)
            call(&wire, "deregister", "[1]");
        close(fd);
        close(peer);
    }
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
    tests = add_case(suite, "kept");
    tcase_add_loop_test(tests, kept_the_token_tells_the_end_alone, 0, LENGTH(kept_modes));
    tcase_add_test(tests, kept_the_stream_is_open_until_both_have_closed);
    tcase_add_test(tests, kept_only_the_end_is_told_after_the_reply);
    tcase_add_test(tests, kept_as_a_notification_nothing_happens);
    tcase_add_test(tests, kept_what_is_not_there_is_not_taken);
    tcase_add_test(tests, kept_what_is_no_stream_too);
    tcase_add_test(tests, kept_batches_hold_no_more_than_fits);
    tcase_add_test(tests, kept_what_is_not_read_ends_with_the_session);
    tcase_add_test(tests, kept_in_a_named_loop_it_is_there_for_the_next);
    tcase_add_test(tests, kept_without_a_descriptor_left_nothing_changes);
    tcase_add_test(tests, flags_are_as_they_were);
    return suite;
}
