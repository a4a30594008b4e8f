/* SPDX-License-Identifier: MIT */
/*
 * Registrations, their events and their order: PROTOCOL.md, "Registrations and events".
 */
#include "tests/daemon/fixture.h"
#include "tests/daemon/passing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_streams_suite(void);

START_TEST(oneshot_fires_once_and_again_when_armed)
{
    int peer = open_stream(&wire, 1, "");

    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    write_byte(peer);
    expect_silence(&wire);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':1,'state':'disarmed','mode':'oneshot'}]}");
    call(&wire, "reregister", "{'token':1}");
    expect_event(&wire, 1, READY_READABLE);
    close(peer);
}
END_TEST

START_TEST(arming_what_is_armed_loses_and_adds_nothing)
{
    int peer = open_stream(&wire, 1, "");

    call(&wire, "reregister", "{'token':1}");
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    call(&wire, "reregister", "{'token':1}"); /* the byte is there still */
    expect_event(&wire, 1, READY_READABLE);
    expect_silence(&wire);
    call(&wire, "reregister", "{'token':1,'interests':['writable']}");
    expect_event(&wire, 1, READY_WRITABLE);
    call(&wire, "reregister", "{'token':1,'interests':[]}");
    call(&wire, "reregister", "{'token':1,'interests':[]}");
    expect_silence(&wire);
    call(&wire, "reregister", "{'token':1,'interests':['readable']}");
    expect_event(&wire, 1, READY_READABLE);
    close(peer);
}
END_TEST

/* Whenever the byte comes, before, between or behind: it is told once, as the last arming left it to be. */
START_TEST(a_byte_between_two_armings_is_told_once)
{
    int peer = open_stream(&wire, 1, "");

    for (int round = 0; round < 200; round++) {
        say(&wire, "{'jsonrpc':'2.0','method':'reregister','params':[1]}");
        write_byte(peer);
        say(&wire, "{'jsonrpc':'2.0','method':'reregister','params':[1]}");
        expect_event(&wire, 1, READY_READABLE);
        expect_in(call(&wire, "read", "{'token':1}"), "{'bytes':1}");
    }
    close(peer);
}
END_TEST

static char state_of(pid_t pid)
{
    char path[32], text[256];
    FILE *file;
    size_t length;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    ck_assert_ptr_nonnull(strrchr(text, ')'));
    return strrchr(text, ')')[2];
}

static long sleeps_of(pid_t pid)
{
    static const char name[] = "voluntary_ctxt_switches:";
    char path[32], line[256];
    long count = -1;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)))
            count = strtol(line + strlen(name), NULL, 10);
    fclose(file);
    ck_assert_int_ge(count, 0);
    return count;
}

/* Each byte is written to a daemon that has gone to sleep behind the one before. */
START_TEST(a_oneshot_that_nobody_arms_wakes_the_daemon_no_more)
{
    int peer = open_stream(&wire, 1, "");
    pid_t pid = minimiod.process.pid;
    long before;

    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    before = sleeps_of(pid);
    for (int i = 0; i < 30; i++) {
        while (state_of(pid) != 'S')
            ;
        write_byte(peer);
    }
    while (state_of(pid) != 'S')
        ;
    ck_assert_int_le(sleeps_of(pid) - before, 5);
    expect_silence(&wire);
    call(&wire, "reregister", "{'token':1}");
    expect_event(&wire, 1, READY_READABLE);
    close(peer);
}
END_TEST

/* Long enough to be trusted anew, and to lose that again. */
START_TEST(data_that_comes_before_it_is_asked_for_is_told_once_an_arming)
{
    int peer = open_stream(&wire, 1, "");

    for (int round = 0; round < 200; round++) {
        write_byte(peer);
        expect_event(&wire, 1, READY_READABLE);
        if (round % 3 == 0)
            write_byte(peer);
        expect_silence(&wire);
        call(&wire, "reregister", "{'token':1}");
        expect_event(&wire, 1, READY_READABLE);
        expect_in(call(&wire, "read", "{'token':1}"), "{'bytes':%d}", round % 3 == 0 ? 2 : 1);
        call(&wire, "reregister", "{'token':1}");
        expect_silence(&wire);
    }
    close(peer);
}
END_TEST

START_TEST(what_has_ended_is_told_again_to_whom_asks_again)
{
    int fin = open_stream(&wire, 1, ",'mode':'edge'"), reset_one = open_stream(&wire, 2, ",'mode':'edge'");

    close(fin);
    expect_event(&wire, 1, CLOSED);
    call(&wire, "reregister", "{'token':1}");
    expect_event(&wire, 1, CLOSED);
    call(&wire, "reregister", "{'token':1,'mode':'oneshot'}");
    expect_event(&wire, 1, CLOSED);
    call(&wire, "reregister", "{'token':1}");
    expect_event(&wire, 1, CLOSED);
    reset(reset_one);
    expect_event(&wire, 2, CLOSED | READY_WRITE_CLOSED | READY_ERROR);
    call(&wire, "reregister", "{'token':2}");
    ck_assert_uint_eq(next_event(&wire).flags & (CLOSED | READY_WRITE_CLOSED), CLOSED | READY_WRITE_CLOSED);
}
END_TEST

/* In one piece, so that all of it belongs to one turn. */
START_TEST(what_is_forgotten_behind_its_arming_is_not_told)
{
    int peers[4];

    for (uint64_t i = 0; i < 4; i++) {
        peers[i] = open_stream(&wire, i, ",'mode':'edge'");
        write_byte(peers[i]);
        expect_event(&wire, i, READY_READABLE);
    }
    say(&wire,
        "[{'jsonrpc':'2.0','method':'reregister','params':[0]},{'jsonrpc':'2.0','method':'reregister','params':[1]},"
        "{'jsonrpc':'2.0','method':'reregister','params':[2]},{'jsonrpc':'2.0','method':'reregister','params':[3]},"
        "{'jsonrpc':'2.0','method':'reregister','params':[0]},{'jsonrpc':'2.0','method':'deregister','params':[1]},"
        "{'jsonrpc':'2.0','method':'reregister','params':[2,[]]},"
        "{'jsonrpc':'2.0','method':'reregister','params':[3,['writable']]}]");
    expect_event(&wire, 0, READY_READABLE);
    expect_event(&wire, 3, READY_WRITABLE);
    expect_silence(&wire);
    say(&wire, "[{'jsonrpc':'2.0','method':'reregister','params':[0]},{'jsonrpc':'2.0','method':'close_loop'}]");
    expect_silence(&wire);
    for (int i = 0; i < 4; i++)
        close(peers[i]);
}
END_TEST

START_TEST(edge_fires_for_each_arrival)
{
    int peer = open_stream(&wire, 1, ",'mode':'edge'");

    for (int i = 0; i < 5; i++) {
        write_byte(peer);
        expect_event(&wire, 1, READY_READABLE);
    }
    expect_silence(&wire);
    close(peer);
}
END_TEST

START_TEST(a_fin_is_read_closed)
{
    int peer = open_stream(&wire, 1, "");

    close(peer);
    expect_event(&wire, 1, CLOSED);
}
END_TEST

START_TEST(closed_flags_come_whatever_the_interests)
{
    int peer = open_stream(&wire, 1, ",'interests':['writable'],'mode':'edge'");

    expect_event(&wire, 1, READY_WRITABLE);
    close(peer);
    ck_assert_uint_eq(next_event(&wire).flags & ~(unsigned)READY_WRITABLE, READY_READ_CLOSED);
}
END_TEST

START_TEST(a_reset_is_told_with_all_its_flags)
{
    int peer = open_stream(&wire, 1, "");

    reset(peer);
    expect_event(&wire, 1, CLOSED | READY_WRITE_CLOSED | READY_ERROR);
}
END_TEST

#define ENDS (READY_READ_CLOSED | READY_WRITE_CLOSED)

static void expect_state(const char *state)
{
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'state':'%s','interests':[]}]}", state);
}

static const char *const silent_modes[] = {"", ",'mode':'edge'"};

/* Each closed flag once, as it happens, whatever the mode and without being armed again; of data nothing. */
START_TEST(without_interests_the_ends_alone_are_told)
{
    char more[64];
    int peer;

    snprintf(more, sizeof more, ",'interests':[]%s", silent_modes[_i]);
    peer = open_stream(&wire, 1, more);
    expect_state("armed");
    write_byte(peer);
    expect_silence(&wire);
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    expect_event(&wire, 1, READY_READ_CLOSED);
    expect_state("armed");
    call(&wire, "shutdown", "[1,'write']");
    expect_event(&wire, 1, READY_WRITE_CLOSED);
    expect_silence(&wire);
    expect_state("disarmed");
    call(&wire, "reregister", "[1]"); /* armed anew, it tells what is so */
    expect_event(&wire, 1, ENDS);
    expect_silence(&wire);
    expect_state("disarmed");
    expect_in(call(&wire, "read", "[1]"), "{'data':'x','eof':false}");
    call(&wire, "reregister", "{'token':1,'interests':['readable']}");
    expect_event(&wire, 1, CLOSED | READY_WRITE_CLOSED);
    close(peer);
}
END_TEST

START_TEST(without_interests_a_reset_is_told_once)
{
    int peer = open_stream(&wire, 1, ",'interests':[]");

    reset(peer);
    expect_event(&wire, 1, ENDS | READY_ERROR);
    expect_silence(&wire);
    expect_state("disarmed");
}
END_TEST

START_TEST(interests_that_are_taken_away_leave_the_ends)
{
    int peer = open_stream(&wire, 1, silent_modes[_i]);

    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    call(&wire, "reregister", "{'token':1,'interests':[]}");
    write_byte(peer);
    expect_silence(&wire);
    expect_state("armed");
    close(peer);
    expect_event(&wire, 1, READY_READ_CLOSED);
    expect_silence(&wire);
}
END_TEST

/* What can be waited for and is no stream has ends of its own. */
START_TEST(without_interests_a_pipe_tells_its_end)
{
    int fds[2];

    make_pipe(fds);
    adopt(&wire, 1, fds[0], ",'interests':[]");
    put_bytes(fds[1], "data");
    expect_silence(&wire);
    close(fds[1]);
    expect_event(&wire, 1, READY_READ_CLOSED);
    make_pipe(fds);
    adopt(&wire, 2, fds[1], ",'interests':[]");
    expect_silence(&wire);
    close(fds[0]);
    expect_event(&wire, 2, READY_WRITE_CLOSED | READY_ERROR);
    expect_silence(&wire);
}
END_TEST

/* Room in a buffer that was full is the only readiness that wakes the daemon of such a stream; nobody is told. */
START_TEST(without_interests_room_is_not_told)
{
    int peer = open_stream(&wire, 1, ",'interests':[]");
    char bytes[65536];
    int written;

    do
        written = (int)member(call(&wire, "write", "[1,'%030000d']", 0), "bytes")->valueint;
    while (written == 30000);
    for (ssize_t count = 1; count > 0;)
        count = recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);
    expect_silence(&wire);
    close(peer);
    ck_assert_uint_ne(next_event(&wire).flags & READY_READ_CLOSED, 0);
}
END_TEST

/* A session that has half-closed is kept for what can still be told, and for no longer. */
START_TEST(without_interests_a_half_closed_session_waits_for_the_ends)
{
    int peer = open_stream(&wire, 1, ",'interests':[]");

    wire_finish(&wire);
    write_byte(peer);
    ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
    expect_event(&wire, 1, READY_READ_CLOSED);
    reset(peer);
    expect_event(&wire, 1, READY_WRITE_CLOSED | READY_ERROR);
    expect_end(&wire);
    wire_close(&wire);
    wire_open(&wire, minimiod.socket);
}
END_TEST

START_TEST(reregister_replaces_what_is_given)
{
    int peer = open_stream(&wire, 1, ",'mode':'edge'");

    call(&wire, "reregister", "{'token':1,'interests':['writable']}");
    expect_event(&wire, 1, READY_WRITABLE);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'mode':'edge','interests':['writable']}]}");
    call(&wire, "reregister", "[1,null,'oneshot']");
    expect_event(&wire, 1, READY_WRITABLE);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'mode':'oneshot','interests':['writable']}]}");
    close(peer);
}
END_TEST

START_TEST(no_event_comes_after_deregister)
{
    int peer = open_stream(&wire, 1, ",'mode':'edge'");

    call(&wire, "deregister", "{'token':1}");
    expect_eof(peer);
    close(peer);
    expect_silence(&wire);
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "{'token':1}");
    close(open_stream(&wire, 1, ""));
}
END_TEST

START_TEST(tokens_are_unique_in_their_loop)
{
    struct wire other;
    int peer = open_stream(&wire, 0, ""), others;

    call_fails(&wire, "TOKEN_EXISTS", NULL, "register", "{'token':0,'address':'%s'}", port.address);
    wire_open(&other, minimiod.socket);
    others = open_stream(&other, 0, "");
    write_byte(peer);
    expect_event(&wire, 0, READY_READABLE);
    expect_silence(&other);
    close(open_stream(&wire, 9007199254740991, ""));
    close(peer);
    close(others);
    wire_close(&other);
}
END_TEST

START_TEST(a_session_takes_its_streams_along)
{
    int peer = open_stream(&wire, 1, "");
    struct wire other;

    wire_close(&wire);
    expect_eof(peer);
    close(peer);
    wire_open(&other, minimiod.socket);
    ck_assert_int_eq(counter(&other, "registrations"), 0);
    wire_close(&other);
    wire_open(&wire, minimiod.socket);
}
END_TEST

START_TEST(close_loop_ends_everything_in_it)
{
    struct black_hole hole;
    int peer = open_stream(&wire, 1, "");

    black_hole_open(&hole);
    say(&wire, "{'jsonrpc':'2.0','id':'waits','method':'register','params':{'token':2,'address':'%s'}}",
        hole.port.address);
    say(&wire, "{'jsonrpc':'2.0','id':'closes','method':'close_loop'}");
    expect(&wire, "{'id':'waits','error':{'code':1,'data':{'name':'LOOP_CLOSED'}}}");
    expect(&wire, "{'id':'closes','result':{}}");
    expect_eof(peer);
    call_fails(&wire, "LOOP_CLOSED", NULL, "register", "{'token':1,'address':'%s'}", port.address);
    call_fails(&wire, "LOOP_CLOSED", NULL, "list", NULL);
    call_fails(&wire, "LOOP_CLOSED", NULL, "close_loop", NULL);
    call(&wire, "ping", NULL);
    call(&wire, "hello", NULL);
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    close(peer);
    black_hole_close(&hole);
}
END_TEST

/* ---- Batches ------------------------------------------------------------------------------------------------------
 */

START_TEST(a_batch_is_answered_in_its_order)
{
    say(&wire,
        "[{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'%s',null,['writable']]},"
        "{'jsonrpc':'2.0','method':'ping'},5,{'jsonrpc':'2.0','id':2,'method':'ping'}]",
        port.address);
    expect(&wire, "[{'id':1,'result':{'token':1}},{'id':null,'error':{'data':{'name':'INVALID_REQUEST'}}},"
                  "{'id':2,'result':{}}]");
    expect_event(&wire, 1, READY_WRITABLE);
}
END_TEST

START_TEST(events_of_a_batch_come_after_it)
{
    struct black_hole hole;

    black_hole_open(&hole);
    say(&wire,
        "[{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'%s',null,['writable']]},"
        "{'jsonrpc':'2.0','id':2,'method':'register','params':[2,'%s',null,null,null,100]}]",
        port.address, hole.port.address);
    expect(&wire, "[{'id':1,'result':{}},{'id':2,'error':{'data':{'name':'TIMED_OUT'}}}]");
    expect_event(&wire, 1, READY_WRITABLE);
    black_hole_close(&hole);
}
END_TEST

START_TEST(a_batch_of_notifications_has_no_answer)
{
    say(&wire, "[{'jsonrpc':'2.0','method':'ping'},{'jsonrpc':'2.0','method':'ping'}]");
    expect_silence(&wire);
}
END_TEST

/* 64 of the longest answers: each line is checked to be short enough by whoever reads it. */
START_TEST(a_batch_is_one_line_whatever_is_in_it)
{
    static const char *const methods[] = {"hello", "stats", "list", "ping"};
    int peers[100];

    for (int i = 0; i < 100; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, ",'interests':[]");
    for (size_t i = 0; i < 4; i++) {
        wire_send(&wire, "[");
        for (int n = 0; n < 64; n++)
            say(&wire, "%s{'jsonrpc':'2.0','id':'%0*d','method':'%s'}", n ? "," : "", 254, n, methods[i]);
        wire_send(&wire, "]");
        ck_assert(wire_read(&wire));
        ck_assert_int_eq(cJSON_GetArraySize(wire.message), 64);
    }
    for (int i = 0; i < 100; i++)
        close(peers[i]);
}
END_TEST

START_TEST(a_batch_has_at_most_64_requests)
{
    wire_send(&wire, "[1");
    for (int n = 0; n < 64; n++)
        wire_send(&wire, ",1");
    wire_send(&wire, "]");
    expect(&wire, "{'id':null,'error':{'data':{'name':'INVALID_REQUEST','limit':'batch','max':64}}}");
}
END_TEST

/* ---- Lists --------------------------------------------------------------------------------------------------------
 */

START_TEST(list_goes_page_by_page)
{
    for (uint64_t token = 50; token > 0; token -= 10)
        close(open_stream(&wire, token, ",'interests':[]"));
    expect_in(call(&wire, "list", "{'limit':2}"),
              "{'loop':null,'registrations':[{'token':10},{'token':20}],'next':20}");
    expect_in(call(&wire, "list", "{'limit':2,'after':20}"), "{'registrations':[{'token':30},{'token':40}],'next':40}");
    expect_in(call(&wire, "list", "[40]"), "{'registrations':[{'token':50}],'next':null}");
    expect_in(call(&wire, "list", "[50]"), "{'registrations':[],'next':null}");
    expect_in(call(&wire, "list", "[9007199254740991]"), "{'registrations':[],'next':null}");
}
END_TEST

START_TEST(counters_return_to_where_they_began)
{
    int64_t before = counter(&wire, "registrations");
    int64_t events = counter(&wire, "events");
    int peer = open_stream(&wire, 1, "");

    ck_assert_int_eq(counter(&wire, "registrations"), before + 1);
    close(peer);
    expect_event(&wire, 1, CLOSED);
    ck_assert_int_eq(counter(&wire, "events"), events + 1);
    call(&wire, "deregister", "[1]");
    ck_assert_int_eq(counter(&wire, "registrations"), before);
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "[1]");
    ck_assert_int_eq(counter(&wire, "errors.TOKEN_UNKNOWN"), 1);
}
END_TEST

/* ---- Many ---------------------------------------------------------------------------------------------------------
 */

#define MANY 5000

START_TEST(five_thousand_streams_fire_once_each)
{
    static int peers[MANY];
    static bool seen[MANY];
    struct rlimit files;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    for (size_t i = 0; i < MANY; i++)
        peers[i] = open_stream(&wire, i, ",'mode':'edge'");
    for (size_t i = 0; i < MANY; i++)
        write_byte(peers[i]);
    for (size_t i = 0; i < MANY; i++) {
        struct event event = next_event(&wire);

        ck_assert_uint_lt(event.token, MANY);
        ck_assert(!seen[event.token]);
        ck_assert_uint_eq(event.flags, READY_READABLE);
        seen[event.token] = true;
    }
    expect_silence(&wire);
    for (size_t i = 0; i < MANY; i++)
        close(peers[i]);
}
END_TEST

Suite *daemon_streams_suite(void)
{
    Suite *suite = suite_create("daemon_streams");
    TCase *tests = add_case(suite, "streams");

    tcase_add_test(tests, oneshot_fires_once_and_again_when_armed);
    tcase_add_test(tests, arming_what_is_armed_loses_and_adds_nothing);
    tcase_add_test(tests, a_byte_between_two_armings_is_told_once);
    tcase_add_test(tests, a_oneshot_that_nobody_arms_wakes_the_daemon_no_more);
    tcase_add_test(tests, data_that_comes_before_it_is_asked_for_is_told_once_an_arming);
    tcase_add_test(tests, what_has_ended_is_told_again_to_whom_asks_again);
    tcase_add_test(tests, what_is_forgotten_behind_its_arming_is_not_told);
    tcase_add_test(tests, edge_fires_for_each_arrival);
    tcase_add_test(tests, a_fin_is_read_closed);
    tcase_add_test(tests, closed_flags_come_whatever_the_interests);
    tcase_add_test(tests, a_reset_is_told_with_all_its_flags);
    tcase_add_loop_test(tests, without_interests_the_ends_alone_are_told, 0, LENGTH(silent_modes));
    tcase_add_test(tests, without_interests_a_reset_is_told_once);
    tcase_add_loop_test(tests, interests_that_are_taken_away_leave_the_ends, 0, LENGTH(silent_modes));
    tcase_add_test(tests, without_interests_a_pipe_tells_its_end);
    tcase_add_test(tests, without_interests_room_is_not_told);
    tcase_add_test(tests, without_interests_a_half_closed_session_waits_for_the_ends);
    tcase_add_test(tests, reregister_replaces_what_is_given);
    tcase_add_test(tests, no_event_comes_after_deregister);
    tcase_add_test(tests, tokens_are_unique_in_their_loop);
    tcase_add_test(tests, a_session_takes_its_streams_along);
    tcase_add_test(tests, close_loop_ends_everything_in_it);
    tests = add_case(suite, "batches");
    tcase_add_test(tests, a_batch_is_answered_in_its_order);
    tcase_add_test(tests, events_of_a_batch_come_after_it);
    tcase_add_test(tests, a_batch_of_notifications_has_no_answer);
    tcase_add_test(tests, a_batch_is_one_line_whatever_is_in_it);
    tcase_add_test(tests, a_batch_has_at_most_64_requests);
    tests = add_case(suite, "lists");
    tcase_add_test(tests, list_goes_page_by_page);
    tcase_add_test(tests, counters_return_to_where_they_began);
    tests = add_case(suite, "many");
    tcase_add_test(tests, five_thousand_streams_fire_once_each);
    return suite;
}
