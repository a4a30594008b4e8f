/* SPDX-License-Identifier: MIT */
/* Loops that are asked: what a poll answers, when, and to whom; level streams. */
#include "tests/daemon/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_polling_suite(void);

#define REQUEST(id, method, params) "{'jsonrpc':'2.0','id':" id ",'method':'" method "','params':" params "}"
#define MS                          INT64_C(1000000)
#define ROUNDS                      200

static void set_up_polling(void)
{
    set_up();
    call(&wire, "open_loop", "{'delivery':'poll'}");
}

static void drain(int token)
{
    do
        call(&wire, "read", "[%d]", token);
    while (!strstr(wire.line, "\"bytes\":0"));
}

/* As far as another session's timer of so many milliseconds. */
static void await_timer(int ms)
{
    struct wire timer;

    wire_open(&timer, minimiod.socket);
    call(&timer, "open_loop", "{'delivery':'poll'}");
    expect_in(call(&timer, "poll", "[%d]", ms), "{'events':[]}");
    wire_close(&timer);
}

static void await_listed(const char *what)
{
    do
        call(&wire, "list", NULL);
    while (!strstr(wire.line, what));
}

/* ---- When ------------------------------------------------------------------------------------------------------- */

START_TEST(what_is_ready_is_answered_at_once)
{
    int peer = open_stream(&wire, 1, "");

    write_byte(peer);
    await_listed("\"pending\":{\"readable\":true}");
    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'readable':true}]}");
    expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    close(peer);
    call(&wire, "reregister", "[1]");
    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'readable':true,'read_closed':true}]}");
}
END_TEST

START_TEST(a_poll_waits_for_readiness)
{
    int peer = open_stream(&wire, 1, "");

    say(&wire, REQUEST("'p'", "poll", "{}"));
    expect_silence(&wire);
    write_byte(peer);
    expect_line(&wire, "{'jsonrpc':'2.0','id':'p','result':{'events':[{'token':1,'readable':true}]}}");
    say(&wire, REQUEST("'q'", "poll", "{'timeout_ms':9007199254740991}"));
    call(&wire, "reregister", "[1]");
    expect(&wire, "{'id':'q','result':{'events':[{'token':1,'readable':true}]}}");
    close(peer);
}
END_TEST

/* What it was about to tell is overridden before it has: it goes on waiting. */
START_TEST(a_poll_waits_on_when_nothing_is_left_to_tell)
{
    static const char *const undo[] = {REQUEST("2", "reregister", "[1,[]]"), REQUEST("2", "deregister", "[1]")};
    int peer = open_stream(&wire, 1, ""), second;

    write_byte(peer);
    await_listed("\"pending\":{\"readable\":true}");
    say(&wire, "%s%s", REQUEST("1", "poll", "{}"), undo[_i]);
    expect_line(&wire, "{'jsonrpc':'2.0','id':2,'result':{}}");
    expect_silence(&wire);
    second = open_stream(&wire, 2, "");
    write_byte(second);
    expect(&wire, "{'id':1,'result':{'events':[{'token':2,'readable':true}]}}");
    close(second);
    close(peer);
}
END_TEST

START_TEST(a_timeout_is_never_early)
{
    int peer = open_stream(&wire, 1, ",'interests':[]");

    for (int ms = 1; ms <= 20; ms++) {
        int64_t begun_ns = test_now_ns();

        expect_in(call(&wire, "poll", "[%d]", ms), "{'events':[]}");
        ck_assert_int_ge(test_now_ns() - begun_ns, ms * MS);
    }
    close(peer);
}
END_TEST

/* A closed flag is never false, so no poll asks the kernel about it again, and each poll but one is silent about it. */
START_TEST(the_ends_alone_are_told_by_one_poll)
{
    int peer = open_stream(&wire, 1, ",'interests':[],'mode':'level'");

    write_byte(peer);
    expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    close(peer);
    expect_in(call(&wire, "poll", "{}"), "{'events':[{'token':1,'read_closed':true}]}");
    expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    call(&wire, "reregister", "[1,['readable']]");
    for (int i = 0; i < 2; i++)
        expect_in(call(&wire, "poll", "[0]"), "{'events':[{'token':1,'readable':true,'read_closed':true}]}");
}
END_TEST

static const char *const modes[] = {"oneshot", "edge", "level"};

/* Bytes that were sent before the request are there when it is carried out. */
START_TEST(timeout_0_collects_what_arrived_just_before)
{
    int first, second;
    char more[32];

    snprintf(more, sizeof more, ",'mode':'%s'", modes[_i]);
    first = open_stream(&wire, 1, more);
    second = open_stream(&wire, 2, more);
    for (int i = 0; i < ROUNDS; i++) {
        call(&wire, "reregister", "[1]");
        call(&wire, "reregister", "[2]");
        expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
        write_byte(first);
        expect_in(call(&wire, "poll", "[0]"), "{'events':[{'token':1,'readable':true}]}");
        call(&wire, "reregister", "[1]");
        write_byte(second);
        call(&wire, "poll", "[0]");
        ck_assert_int_eq(cJSON_GetArraySize(member(wire.message, "result.events")), 2);
        drain(1);
        drain(2);
    }
    close(first);
    close(second);
}
END_TEST

/* ---- How much, and whose turn ----------------------------------------------------------------------------------- */

#define TOKENS 20

static int peers[TOKENS];

static void open_many(const char *more)
{
    for (int i = 0; i < TOKENS; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, more);
}

static void write_many(void)
{
    for (int i = 0; i < TOKENS; i++)
        write_byte(peers[i]);
}

static void close_many(void)
{
    for (int i = 0; i < TOKENS; i++)
        close(peers[i]);
}

/* Polls once and counts who was told; returns how many. */
static int poll_and_count(int max, int *told)
{
    const cJSON *event;
    int count = 0;

    call(&wire, "poll", "[0,%d]", max);
    cJSON_ArrayForEach(event, member(wire.message, "result.events")) {
        told[member(event, "token")->valueint]++;
        count++;
    }
    ck_assert_int_le(count, max);
    return count;
}

static void expect_told(const int *told, int from, int to)
{
    for (int i = 0; i < TOKENS; i++)
        ck_assert_msg(told[i] >= from && told[i] <= to, "token %d was told %d times", i, told[i]);
}

START_TEST(no_more_than_max_at_a_time_and_nothing_is_lost)
{
    int told[TOKENS] = {0};

    open_many(_i ? ",'mode':'edge'" : "");
    write_many();
    for (int i = 0; i < TOKENS / 3; i++)
        ck_assert_int_eq(poll_and_count(3, told), 3);
    ck_assert_int_eq(poll_and_count(3, told), TOKENS % 3);
    ck_assert_int_eq(poll_and_count(3, told), 0);
    expect_told(told, 1, 1);
    close_many();
}
END_TEST

START_TEST(level_tokens_take_turns)
{
    int told[TOKENS] = {0};

    open_many(",'mode':'level'");
    write_many();
    for (int round = 1; round <= 5; round++) {
        for (int i = 0; i < TOKENS / 2; i++)
            ck_assert_int_eq(poll_and_count(2, told), 2);
        expect_told(told, round, round);
    }
    ck_assert_int_eq(poll_and_count(256, told), TOKENS);
    close_many();
}
END_TEST

/* Some are ready anew before every poll, which must not keep the others from their turn. */
START_TEST(a_busy_token_does_not_displace_others)
{
    int told[TOKENS] = {0};

    for (int i = 0; i < TOKENS; i++)
        peers[i] = open_stream(&wire, (uint64_t)i, i < 4 ? ",'mode':'edge'" : i < 8 ? "" : ",'mode':'level'");
    write_many();
    for (int i = 0; i < 4 * TOKENS; i++) {
        for (int busy = 0; busy < 4; busy++)
            write_byte(peers[busy]);
        ck_assert_int_eq(poll_and_count(1, told), 1);
        if (i + 1 == TOKENS)
            expect_told(told, 1, 1);
    }
    for (int i = 0; i < TOKENS; i++)
        ck_assert_msg(told[i] >= (i >= 4 && i < 8 ? 1 : 3), "token %d was told %d times", i, told[i]);
    close_many();
}
END_TEST

START_TEST(parameters_have_their_ranges)
{
    call_fails(&wire, "INVALID_PARAMS", "{'param':'max'}", "poll", "[0,0]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'max'}", "poll", "[0,257]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'timeout_ms'}", "poll", "[-1]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'timeout_ms'}", "poll", "[0.5]");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'timeout'}", "poll", "{'timeout':1}");
    expect_in(call(&wire, "poll", "{'timeout_ms':0,'max':256}"), "{'events':[]}");
}
END_TEST

/* ---- Level ------------------------------------------------------------------------------------------------------ */

START_TEST(level_is_told_as_long_as_it_is_ready)
{
    int peer = open_stream(&wire, 1, ",'mode':'level'");

    for (int i = 0; i < 3; i++) {
        expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
        write_byte(peer);
        write_byte(peer);
        for (int j = 0; j < 3; j++)
            expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'readable':true}]}");
        expect_in(call(&wire, "read", "[1,1]"), "{'bytes':1}");
        expect_in(call(&wire, "poll", "[0]"), "{'events':[{'token':1,'readable':true}]}");
        drain(1);
    }
    expect_in(call(&wire, "poll", "[5]"), "{'events':[]}");
    call(&wire, "reregister", "[1,['readable','writable']]");
    for (int i = 0; i < 3; i++)
        expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'writable':true}]}");
    close(peer);
    do
        call(&wire, "poll", NULL);
    while (!strstr(wire.line, "\"read_closed\":true"));
    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'readable':true,'writable':true,'read_closed':true}]}");
}
END_TEST

START_TEST(a_poll_that_waits_sees_level_tokens_become_ready)
{
    int peer = open_stream(&wire, 1, ",'mode':'level'");

    for (int i = 0; i < 20; i++) {
        say(&wire, REQUEST("'p'", "poll", "{}"));
        expect_silence(&wire);
        write_byte(peer);
        expect(&wire, "{'id':'p','result':{'events':[{'token':1,'readable':true}]}}");
        drain(1);
    }
    close(peer);
}
END_TEST

/* What was gathered before the client read it is not told after. */
START_TEST(level_readiness_that_is_gone_is_not_told)
{
    int peer = open_stream(&wire, 1, ",'mode':'level'");

    for (int i = 0; i < 20; i++) {
        write_byte(peer);
        await_listed("\"pending\":{\"readable\":true}");
        drain(1);
        expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    }
    close(peer);
}
END_TEST

/* A spinning daemon would use 30 ticks of a hundredth each. */
START_TEST(ready_level_tokens_and_waiting_polls_cost_no_time)
{
    int peer = open_stream(&wire, 1, ",'mode':'level','interests':['readable','writable']");
    int64_t ticks;

    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'writable':true}]}");
    write_byte(peer);
    call(&wire, "reregister", "[1,['readable']]");
    ticks = cpu_ticks(minimiod.process.pid);
    await_timer(300);
    drain(1);
    say(&wire, REQUEST("'p'", "poll", "{}"));
    expect_silence(&wire);
    await_timer(300);
    ck_assert_int_le(cpu_ticks(minimiod.process.pid) - ticks, getenv("MINIMIO_VALGRIND") ? 40 : 10);
    write_byte(peer);
    expect(&wire, "{'id':'p','result':{'events':[{'token':1,'readable':true}]}}");
    close(peer);
}
END_TEST

/* ---- Oneshot, edge, and no push --------------------------------------------------------------------------------- */

START_TEST(events_in_a_poll_loop_are_never_pushed)
{
    int oneshot = open_stream(&wire, 1, ""), edge = open_stream(&wire, 2, ",'mode':'edge'"),
        level = open_stream(&wire, 3, ",'mode':'level'");

    write_byte(oneshot);
    write_byte(edge);
    write_byte(level);
    do
        call(&wire, "list", NULL);
    while (strstr(wire.line, "\"pending\":{}"));
    close(level);
    expect_silence(&wire);
    await_timer(20);
    expect_silence(&wire);
    ck_assert_int_eq(counter(&wire, "events"), 0);
    call(&wire, "poll", NULL);
    ck_assert_int_eq(cJSON_GetArraySize(member(wire.message, "result.events")), 3);
    ck_assert_int_eq(counter(&wire, "events"), 3);
    close(oneshot);
    close(edge);
}
END_TEST

START_TEST(oneshot_and_edge_are_what_they_are)
{
    int oneshot = open_stream(&wire, 1, ""), edge = open_stream(&wire, 2, ",'mode':'edge'");

    write_byte(oneshot);
    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'readable':true}]}");
    for (int i = 0; i < 20; i++) {
        write_byte(oneshot);
        write_byte(edge);
        expect_in(call(&wire, "poll", NULL), "{'events':[{'token':2,'readable':true}]}");
        expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    }
    call(&wire, "reregister", "[1]");
    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'readable':true}]}");
    call(&wire, "reregister", "[2]");
    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':2,'readable':true}]}");
    close(oneshot);
    close(edge);
}
END_TEST

/* ---- What ends or refuses it ------------------------------------------------------------------------------------ */

START_TEST(one_poll_waits_at_a_time)
{
    int peer = open_stream(&wire, 1, "");

    say(&wire, REQUEST("'p'", "poll", "{}"));
    call_fails(&wire, "POLL_PENDING", NULL, "poll", "[0]");
    call_fails(&wire, "POLL_PENDING", NULL, "poll", NULL);
    write_byte(peer);
    expect(&wire, "{'id':'p','result':{'events':[{'token':1}]}}");
    expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    close(peer);
}
END_TEST

START_TEST(a_poll_ends_with_its_loop)
{
    say(&wire, REQUEST("'p'", "poll", "[60000]"));
    call_fails(&wire, "POLL_PENDING", NULL, "poll", NULL);
    say(&wire, REQUEST("1", "open_loop", "['x','poll']"));
    expect(&wire, "{'id':'p','error':{'code':1,'data':{'name':'LOOP_CLOSED'}}}");
    expect(&wire, "{'id':1,'result':{'loop':'x'}}");
    say(&wire, REQUEST("'p'", "poll", "{}") REQUEST("1", "open_loop", "['x']"));
    expect(&wire, "{'id':'p','error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect(&wire, "{'id':1,'result':{'loop':'x','created':false,'delivery':'poll'}}");
    say(&wire, REQUEST("'p'", "poll", "{}") REQUEST("1", "close_loop", "{}"));
    expect(&wire, "{'id':'p','error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect(&wire, "{'id':1,'result':{}}");
    call_fails(&wire, "LOOP_CLOSED", NULL, "poll", NULL);
}
END_TEST

START_TEST(a_session_that_ends_takes_its_poll_along)
{
    struct wire polling;

    for (int i = 0; i < 20; i++) {
        wire_open(&polling, minimiod.socket);
        call(&polling, "open_loop", "['x','poll']");
        say(&polling, REQUEST("1", "poll", "[%d]"), i);
        wire_close(&polling);
    }
    expect_in(call(&wire, "open_loop", "['x']"), "{'created':false}");
    expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
}
END_TEST

/* Nobody hears what it would tell. */
START_TEST(a_poll_without_an_id_takes_nothing)
{
    int peer = open_stream(&wire, 1, "");

    write_byte(peer);
    await_listed("\"pending\":{\"readable\":true}");
    say(&wire, "{'jsonrpc':'2.0','method':'poll'}");
    say(&wire, "{'jsonrpc':'2.0','method':'poll','params':[0]}");
    expect_silence(&wire);
    expect_in(call(&wire, "poll", "[0]"), "{'events':[{'token':1,'readable':true}]}");
    say(&wire, "{'jsonrpc':'2.0','method':'poll'}");
    expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    close(peer);
}
END_TEST

/* ---- Back-pressure ---------------------------------------------------------------------------------------------- */

START_TEST(a_client_that_was_slow_to_read_has_its_poll_answered)
{
    struct wire slow;
    bool answered = false;
    int sent, peer;

    wire_open(&slow, minimiod.socket);
    call(&slow, "open_loop", "['x','poll']");
    peer = open_stream(&slow, 1, _i ? ",'mode':'level'" : "");
    say(&slow, REQUEST("'p'", "poll", "{}"));
    fill_until_blocked(&slow, &sent);
    write_byte(peer);
    do
        expect_in(call(&wire, "loops", NULL), "{'loops':[{'name':'x'}]}");
    while (strstr(wire.line, "\"pending\":0"));
    for (int i = 0; i < sent + 1; i++) {
        ck_assert(wire_read(&slow));
        if (strstr(slow.line, "\"events\"")) {
            expect_in(slow.message, "{'id':'p','result':{'events':[{'token':1,'readable':true}]}}");
            answered = true;
        }
    }
    ck_assert(answered);
    expect_in(call(&slow, "poll", "[0]"), _i ? "{'events':[{'token':1}]}" : "{'events':[]}");
    wire_close(&slow);
    close(peer);
}
END_TEST

static void add_when_and_how_much(TCase *tests)
{
    tcase_add_test(tests, what_is_ready_is_answered_at_once);
    tcase_add_test(tests, a_poll_waits_for_readiness);
    tcase_add_loop_test(tests, a_poll_waits_on_when_nothing_is_left_to_tell, 0, 2);
    tcase_add_test(tests, a_timeout_is_never_early);
    tcase_add_test(tests, the_ends_alone_are_told_by_one_poll);
    tcase_add_loop_test(tests, timeout_0_collects_what_arrived_just_before, 0, LENGTH(modes));
    tcase_add_loop_test(tests, no_more_than_max_at_a_time_and_nothing_is_lost, 0, 2);
    tcase_add_test(tests, level_tokens_take_turns);
    tcase_add_test(tests, a_busy_token_does_not_displace_others);
    tcase_add_test(tests, parameters_have_their_ranges);
}

static void add_modes(TCase *tests)
{
    tcase_add_test(tests, level_is_told_as_long_as_it_is_ready);
    tcase_add_test(tests, a_poll_that_waits_sees_level_tokens_become_ready);
    tcase_add_test(tests, level_readiness_that_is_gone_is_not_told);
    tcase_add_test(tests, ready_level_tokens_and_waiting_polls_cost_no_time);
    tcase_add_test(tests, events_in_a_poll_loop_are_never_pushed);
    tcase_add_test(tests, oneshot_and_edge_are_what_they_are);
}

static void add_ends(TCase *tests)
{
    tcase_add_test(tests, one_poll_waits_at_a_time);
    tcase_add_test(tests, a_poll_ends_with_its_loop);
    tcase_add_test(tests, a_session_that_ends_takes_its_poll_along);
    tcase_add_test(tests, a_poll_without_an_id_takes_nothing);
    tcase_add_loop_test(tests, a_client_that_was_slow_to_read_has_its_poll_answered, 0, 2);
}

Suite *daemon_polling_suite(void)
{
    Suite *suite = suite_create("daemon_polling");
    TCase *tests = tcase_create("polling");

    tcase_add_checked_fixture(tests, set_up_polling, tear_down);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    add_when_and_how_much(tests);
    add_modes(tests);
    add_ends(tests);
    return suite;
}
