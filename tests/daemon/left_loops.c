/* SPDX-License-Identifier: MIT */
/* Named loops whose session has ended: how long they stay, what they gather, and what the next session is told. */
#include "tests/daemon/fixture.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_left_loops_suite(void);

#define REQUEST(id, method, params) "{'jsonrpc':'2.0','id':" id ",'method':'" method "','params':" params "}"

static struct wire other;

static void set_up_with_other(void)
{
    set_up();
    wire_open(&other, minimiod.socket);
}

/* The other one, which has ended before, is not to be closed twice. */
static void leave(void)
{
    wire_close(&other);
    while (counter(&wire, "sessions") > 1)
        ;
}

static void await_pending(const char *loop, int pending)
{
    do
        expect_in(call(&wire, "loops", NULL), "{'loops':[{'name':'%s'}]}", loop);
    while (member(member(wire.message, "result.loops")->child, "pending")->valueint != pending);
}

/* Returns after a timer of the daemon's own, started now, has run out. */
static void await_timer(int ms)
{
    struct wire timer;

    wire_open(&timer, minimiod.socket);
    call(&timer, "open_loop", "{'delivery':'poll'}");
    expect_in(call(&timer, "poll", "[%d]", ms), "{'events':[]}");
    wire_close(&timer);
}

static void expect_nothing_to_read(int fd)
{
    char byte;

    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
}

/* ---- Linger ----------------------------------------------------------------------------------------------------- */

START_TEST(without_linger_a_loop_ends_with_its_session)
{
    int peer;

    call(&other, "open_loop", "{'name':'x','linger_ms':0}");
    peer = open_stream(&other, 1, "");
    leave();
    expect_eof(peer);
    close(peer);
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    call(&wire, "open_loop", "{'name':'x','linger_ms':0}");
    call(&wire, "open_loop", "['y']");
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'name':'y'}]}");
}
END_TEST

START_TEST(without_linger_a_loop_is_taken_over_all_the_same)
{
    int peer;

    call(&other, "open_loop", "{'name':'x','linger_ms':0}");
    peer = open_stream(&other, 1, "");
    expect_in(call(&wire, "open_loop", "{'name':'x','takeover':true}"), "{'created':false,'registrations':1}");
    leave();
    expect_nothing_to_read(peer);
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'linger_ms':0,'registrations':1}]}");
    close(peer);
}
END_TEST

START_TEST(a_loop_ends_when_its_linger_is_over)
{
    int64_t begun_ns;
    int peer;

    call(&other, "open_loop", "{'name':'x','linger_ms':40}");
    peer = open_stream(&other, 1, "");
    begun_ns = test_now_ns();
    leave();
    expect_eof(peer);
    ck_assert_int_ge(test_now_ns() - begun_ns, 40 * 1000000);
    close(peer);
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
    expect_in(call(&wire, "open_loop", "['x']"), "{'created':true,'registrations':0}");
}
END_TEST

START_TEST(a_loop_does_not_end_while_somebody_is_in_it)
{
    int peer;

    call(&other, "open_loop", "{'name':'x','linger_ms':500}");
    peer = open_stream(&other, 1, "");
    leave();
    expect_in(call(&wire, "open_loop", "['x']"), "{'created':false,'registrations':1}");
    await_timer(600);
    expect_nothing_to_read(peer);
    expect_in(call(&wire, "list", NULL), "{'loop':'x','registrations':[{'token':1}]}");
    close(peer);
}
END_TEST

/* ---- What gathers ----------------------------------------------------------------------------------------------- */

START_TEST(a_left_loop_gathers_readiness)
{
    int peers[3];

    call(&other, "open_loop", "{'name':'x','linger_ms':50000}");
    peers[0] = open_stream(&other, 1, "");
    peers[1] = open_stream(&other, 2, ",'mode':'edge'");
    peers[2] = open_stream(&other, 3, ",'mode':'edge'");
    leave();
    expect_in(call(&wire, "loops", NULL),
              "{'loops':[{'name':'x','registrations':3,'pending':0,'attached':false,'linger_ms':50000}]}");
    write_byte(peers[0]);
    await_pending("x", 1);
    write_byte(peers[1]);
    close(peers[1]);
    await_pending("x", 2);
    say(&wire, REQUEST("1", "open_loop", "['x']"));
    expect(&wire, "{'id':1,'result':{'created':false,'registrations':3}}");
    for (int i = 0; i < 2; i++) {
        struct event event = next_event(&wire);
        ck_assert_uint_eq(event.flags, event.token == 1 ? READY_READABLE : CLOSED);
    }
    expect_silence(&wire);
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'pending':0,'attached':true}]}");
    close(peers[0]);
    close(peers[2]);
}
END_TEST

/* What was to follow a batch of the session before follows none now. */
START_TEST(readiness_held_for_a_batch_that_died_is_counted_and_told)
{
    struct black_hole hole;
    int peer;

    black_hole_open(&hole);
    call(&other, "open_loop", "['x']");
    say(&other, "[" REQUEST("1", "register", "[1,'%s']") "," REQUEST("2", "register", "[2,'%s']") "]", port.address,
        hole.port.address);
    peer = port_accept(&port);
    do
        call(&other, "list", "{'limit':1}");
    while (strstr(other.line, "connecting"));
    write_byte(peer);
    do
        call(&other, "list", "{'limit':1}");
    while (!strstr(other.line, "\"readable\":true"));
    leave();
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'registrations':1,'pending':1}]}");
    call(&wire, "open_loop", "['x']");
    expect_event(&wire, 1, READY_READABLE);
    expect_silence(&wire);
    close(peer);
    black_hole_close(&hole);
}
END_TEST

START_TEST(a_connect_under_way_is_given_up)
{
    struct black_hole hole;
    int peer;

    black_hole_open(&hole);
    call(&other, "open_loop", "['x']");
    peer = open_stream(&other, 2, "");
    say(&other, REQUEST("1", "register", "[1,'%s']"), hole.port.address);
    say(&other, "[" REQUEST("2", "register", "[3,'%s']") "," REQUEST("3", "ping", "{}") "]", hole.port.address);
    expect_in(call(&other, "list", NULL),
              "{'registrations':[{'token':1,'state':'connecting'},{'token':2},{'token':3,'state':'connecting'}]}");
    leave();
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'registrations':1}]}");
    ck_assert_int_eq(counter(&wire, "registrations"), 1);
    expect_in(call(&wire, "open_loop", "['x']"), "{'registrations':1}");
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':2,'state':'armed'}]}");
    close(open_stream(&wire, 1, ""));
    close(peer);
    black_hole_close(&hole);
}
END_TEST

/* ---- What the next session is told ------------------------------------------------------------------------------ */

START_TEST(every_mode_is_armed_again)
{
    int oneshot, edge, fresh;

    call(&other, "open_loop", "['x']");
    oneshot = open_stream(&other, 1, "");
    edge = open_stream(&other, 2, ",'mode':'edge'");
    fresh = open_stream(&other, 3, "");
    write_byte(oneshot);
    expect_event(&other, 1, READY_READABLE);
    write_byte(edge);
    expect_event(&other, 2, READY_READABLE);
    leave();
    call(&wire, "open_loop", "['x']");
    expect_event(&wire, 1, READY_READABLE);
    expect_event(&wire, 2, READY_READABLE);
    write_byte(oneshot);
    write_byte(edge);
    write_byte(fresh);
    expect_event(&wire, 2, READY_READABLE);
    expect_event(&wire, 3, READY_READABLE);
    expect_silence(&wire);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':1,'state':'disarmed','mode':'oneshot'},"
                                         "{'token':2,'state':'armed','mode':'edge'},{'state':'disarmed'}]}");
    close(oneshot);
    close(edge);
    close(fresh);
}
END_TEST

START_TEST(what_is_ready_no_more_is_not_told_again)
{
    int read, untold, silent;

    call(&other, "open_loop", "['x']");
    read = open_stream(&other, 1, ",'mode':'edge'");
    untold = open_stream(&other, 2, ",'interests':['writable']");
    silent = open_stream(&other, 3, ",'interests':[]");
    expect_event(&other, 2, READY_WRITABLE);
    write_byte(read);
    write_byte(silent);
    expect_event(&other, 1, READY_READABLE);
    expect_in(call(&other, "read", "[1]"), "{'data':'x','bytes':1}");
    leave();
    call(&wire, "open_loop", "['x']");
    expect_event(&wire, 2, READY_WRITABLE);
    expect_silence(&wire);
    call(&wire, "reregister", "[3,['readable']]");
    expect_event(&wire, 3, READY_READABLE);
    close(read);
    close(untold);
    close(silent);
}
END_TEST

/* Written to a client that never read it: nobody has it, so the next one is told. */
START_TEST(what_was_written_to_a_dead_client_is_told_again)
{
    int peer, gone;

    call(&other, "open_loop", "['x']");
    peer = open_stream(&other, 1, "");
    gone = open_stream(&other, 2, ",'mode':'edge'");
    write_byte(peer);
    close(gone);
    while (counter(&wire, "events") < 2)
        ;
    leave();
    call(&wire, "open_loop", "['x']");
    expect_event(&wire, 1, READY_READABLE);
    expect_event(&wire, 2, CLOSED);
    expect_silence(&wire);
    close(peer);
}
END_TEST

/* Each fires while nobody is in the loop; then it goes on. */
START_TEST(what_has_fired_is_told_as_it_is_by_then)
{
    int peers[2];

    call(&other, "open_loop", "['x']");
    for (int i = 0; i < 2; i++)
        peers[i] = open_stream(&other, (uint64_t)i, "");
    leave();
    write_byte(peers[0]);
    write_byte(peers[1]);
    await_pending("x", 2);
    close(peers[1]);
    call(&wire, "open_loop", "['x']");
    for (int i = 0; i < 2; i++) {
        struct event event = next_event(&wire);
        ck_assert_uint_eq(event.flags, event.token ? CLOSED : READY_READABLE);
    }
    expect_silence(&wire);
    close(peers[0]);
}
END_TEST

START_TEST(events_come_after_the_array_of_open_loop)
{
    struct black_hole hole;
    int peer;

    black_hole_open(&hole);
    call(&other, "open_loop", "['x']");
    peer = open_stream(&other, 1, "");
    leave();
    write_byte(peer);
    await_pending("x", 1);
    say(&wire, "[" REQUEST("1", "open_loop", "['x']") "," REQUEST("2", "register", "[2,'%s',false,[],'edge',50]") "]",
        hole.port.address);
    expect_silence(&wire);
    expect(&wire, "[{'id':1,'result':{'loop':'x','registrations':1}},{'id':2,'error':{'data':{'name':'TIMED_OUT'}}}]");
    expect_event(&wire, 1, READY_READABLE);
    expect_silence(&wire);
    close(peer);
    black_hole_close(&hole);
}
END_TEST

/* It was ready, was not told, and was read all the same: no more than a memory when the next one comes. */
START_TEST(what_was_read_before_it_was_told_is_not_told)
{
    int drained, other_one;

    call(&other, "open_loop", "['x','poll']");
    drained = open_stream(&other, 1, ",'mode':'edge'");
    other_one = open_stream(&other, 2, "");
    write_byte(drained);
    write_byte(other_one);
    await_pending("x", 2);
    expect_in(call(&other, "read", "[1]"), "{'bytes':1}");
    leave();
    call(&wire, "open_loop", "['x','push']");
    expect_event(&wire, 2, READY_READABLE);
    expect_silence(&wire);
    write_byte(drained);
    write_byte(other_one);
    expect_event(&wire, 1, READY_READABLE);
    expect_silence(&wire);
    close(drained);
    close(other_one);
}
END_TEST

/* ---- Level where it does not belong ----------------------------------------------------------------------------- */

START_TEST(level_needs_a_poll_loop)
{
    int peer = open_stream(&wire, 1, "");

    call_fails(&wire, "INVALID_PARAMS", "{'param':'mode'}", "register", "{'token':2,'address':'%s','mode':'level'}",
               port.address);
    call_fails(&wire, "INVALID_PARAMS", "{'param':'mode'}", "reregister", "{'token':1,'mode':'level'}");
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':1,'mode':'oneshot','state':'armed'}]}");
    close(peer);
}
END_TEST

START_TEST(level_in_a_loop_that_pushes_now_is_a_oneshot)
{
    int peer;

    call(&other, "open_loop", "['x','poll']");
    peer = open_stream(&other, 1, ",'mode':'level'");
    write_byte(peer);
    expect_in(call(&other, "poll", NULL), "{'events':[{'token':1,'readable':true}]}");
    leave();
    expect_in(call(&wire, "open_loop", "['x','push']"), "{'delivery':'push'}");
    expect_event(&wire, 1, READY_READABLE);
    write_byte(peer);
    expect_silence(&wire);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'mode':'level','state':'disarmed'}]}");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'mode'}", "reregister", "{'token':1,'mode':'level'}");
    call(&wire, "reregister", "[1]");
    expect_event(&wire, 1, READY_READABLE);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'mode':'level','state':'disarmed'}]}");
    wire_open(&other, minimiod.socket);
    expect_in(call(&other, "open_loop", "['x','poll',true]"), "{'registrations':1}");
    for (int i = 0; i < 3; i++)
        expect_in(call(&other, "poll", NULL), "{'events':[{'token':1,'readable':true}]}");
    expect_in(call(&other, "list", NULL), "{'registrations':[{'mode':'level','state':'armed'}]}");
    wire_close(&other);
    close(peer);
}
END_TEST

START_TEST(level_that_was_changed_is_what_it_was_changed_to)
{
    int peer;

    call(&other, "open_loop", "['x','poll']");
    peer = open_stream(&other, 1, ",'mode':'level'");
    leave();
    call(&wire, "open_loop", "['x','push']");
    call(&wire, "reregister", "{'token':1,'mode':'edge'}");
    for (int i = 0; i < 3; i++) {
        write_byte(peer);
        expect_event(&wire, 1, READY_READABLE);
    }
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'mode':'edge','state':'armed'}]}");
    close(peer);
}
END_TEST

/* ---- The limit -------------------------------------------------------------------------------------------------- */

START_TEST(a_linger_beyond_the_limit_is_refused)
{
    call_fails(&wire, "LIMIT_EXCEEDED", "{'limit':'linger_ms','max':86400000}", "open_loop",
               "{'name':'x','linger_ms':86400001}");
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
    call(&wire, "open_loop", "{'name':'x','linger_ms':86400000}");
    call_fails(&wire, "LIMIT_EXCEEDED", "{'limit':'linger_ms'}", "open_loop",
               "{'name':'x','linger_ms':9007199254740991}");
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'name':'x','linger_ms':86400000}]}");
}
END_TEST

Suite *daemon_left_loops_suite(void)
{
    Suite *suite = suite_create("daemon_left_loops");
    TCase *tests = tcase_create("left loops");

    tcase_add_checked_fixture(tests, set_up_with_other, tear_down);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, without_linger_a_loop_ends_with_its_session);
    tcase_add_test(tests, without_linger_a_loop_is_taken_over_all_the_same);
    tcase_add_test(tests, a_loop_ends_when_its_linger_is_over);
    tcase_add_test(tests, a_loop_does_not_end_while_somebody_is_in_it);
    tcase_add_test(tests, a_left_loop_gathers_readiness);
    tcase_add_test(tests, readiness_held_for_a_batch_that_died_is_counted_and_told);
    tcase_add_test(tests, a_connect_under_way_is_given_up);
    tcase_add_test(tests, every_mode_is_armed_again);
    tcase_add_test(tests, what_is_ready_no_more_is_not_told_again);
    tcase_add_test(tests, what_was_read_before_it_was_told_is_not_told);
    tcase_add_test(tests, what_was_written_to_a_dead_client_is_told_again);
    tcase_add_test(tests, what_has_fired_is_told_as_it_is_by_then);
    tcase_add_test(tests, events_come_after_the_array_of_open_loop);
    tcase_add_test(tests, level_needs_a_poll_loop);
    tcase_add_test(tests, level_in_a_loop_that_pushes_now_is_a_oneshot);
    tcase_add_test(tests, level_that_was_changed_is_what_it_was_changed_to);
    tcase_add_test(tests, a_linger_beyond_the_limit_is_refused);
    return suite;
}
