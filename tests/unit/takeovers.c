/* SPDX-License-Identifier: MIT */
/*
 * Sessions that enter, leave and lose loops while the work is done in pieces: each test stops between two pieces, which
 * a client cannot time.
 */
#include "daemon/loops/stream.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/lifecycle.h"
#include "tests/unit/fixture.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

Suite *unit_takeovers_suite(void);

/* More than two pieces of ended connects. */
#define CONNECTS 9

#define OPEN(name, more)                                                                                               \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"" name "\"" more "}}\n"
#define TAKE_OVER ",\"takeover\":true"

static struct session *first, *second, *third;
static int a, b, c; /* their clients */

static void set_up(void)
{
    fixture_set_up();
    a = fixture_open_client(&first);
    b = fixture_open_client(&second);
    c = fixture_open_client(&third);
}

static void tear_down(void)
{
    close(a);
    close(b);
    close(c);
    fixture_tear_down();
}

/* The first session's loop "one", with connects that do not begin before the next turn. Without linger time. */
static struct loop *open_with_connects(void)
{
    char text[160];

    fixture_feed(first, a, OPEN("one", ",\"linger_ms\":0"));
    for (int i = 0; i < CONNECTS; i++) {
        snprintf(text, sizeof text,
                 "{\"jsonrpc\":\"2.0\",\"method\":\"register\",\"params\":{\"token\":%d,\"address\":\"127.0.0.1:9\","
                 "\"interests\":[\"readable\"]}}\n",
                 i);
        fixture_feed(first, a, text);
    }
    ck_assert_uint_eq(first->pending_calls, CONNECTS);
    ck_assert_uint_eq(first->member.loop->count, CONNECTS);
    return first->member.loop;
}

/* Between the first and the second piece of the end of the first session's calls. */
static struct loop *take_over_one(void)
{
    struct loop *one = open_with_connects();

    fixture_feed(second, b, OPEN("one", TAKE_OVER));
    ck_assert_ptr_eq(first->leaving, one);
    ck_assert_uint_eq(one->leaver_count, 1);
    ck_assert_ptr_null(first->member.loop);
    ck_assert(one->reserved);
    ck_assert(!TAILQ_EMPTY(&first->connects));
    return one;
}

/* Else the loop would wait for a session that no longer knows of the loop. */
START_TEST(an_evicted_session_enters_no_loop_before_its_calls_have_ended)
{
    struct loop *one = take_over_one();

    fixture_feed(first, a, OPEN("two", ""));
    ck_assert_ptr_null(first->member.loop);
    ck_assert_ptr_nonnull(first->pending_open);
    fixture_feed(third, c, OPEN("two", TAKE_OVER));
    fixture_run_turns(TURNS);
    ck_assert_ptr_eq(one->owner, &second->member);
    ck_assert_uint_eq(one->leaver_count, 0);
    ck_assert_ptr_null(first->member.loop);
    ck_assert_str_eq(third->member.loop->name, "two");
    fixture_expect_answer(b, "\"created\":false");
    fixture_expect_answer(a, "loop_detached");
}
END_TEST

START_TEST(an_evicted_session_may_end_before_its_calls)
{
    struct loop *one = take_over_one();

    session_free(first);
    ck_assert_uint_eq(one->leaver_count, 0);
    ck_assert_uint_eq(one->count, 0);
    fixture_run_turns(TURNS);
    ck_assert_ptr_eq(second->member.loop, one);
    fixture_expect_answer(b, "\"created\":false");
}
END_TEST

/* The reserved loop lingers for no time, so the loop is closed, once the evicted session has left. */
START_TEST(a_session_may_end_while_the_loop_is_reserved_for_the_session)
{
    take_over_one();
    session_free(second);
    ck_assert_uint_eq(context.accounts.registrations, CONNECTS - 4);
    fixture_run_turns(TURNS);
    ck_assert_uint_eq(context.accounts.registrations, 0);
    ck_assert(RB_EMPTY(&context.loops.named));
    ck_assert(LIST_EMPTY(&context.loops.closing));
    ck_assert_ptr_null(first->leaving);
    ck_assert_uint_eq(first->pending_calls, 0);
}
END_TEST

START_TEST(both_sessions_of_a_takeover_may_end_in_either_order)
{
    take_over_one();
    session_free(_i ? first : second);
    session_free(_i ? second : first);
    ck_assert_uint_eq(context.accounts.registrations, 0);
    fixture_run_turns(1);
    ck_assert(RB_EMPTY(&context.loops.named));
}
END_TEST

/* The third waits for the reservation of the second. */
START_TEST(a_loop_is_reserved_for_one_session_at_a_time)
{
    struct loop *one = take_over_one();

    fixture_feed(third, c, OPEN("one", TAKE_OVER));
    ck_assert_ptr_nonnull(third->pending_open);
    fixture_run_turns(TURNS);
    ck_assert_ptr_eq(third->member.loop, one);
    ck_assert_ptr_null(second->member.loop);
    fixture_expect_answer(b, "loop_detached");
}
END_TEST

/* ---- Closing ---------------------------------------------------------------------------------------------------- */

#define CLOSE "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"close_loop\"}\n"

START_TEST(a_session_may_end_while_its_loop_is_closed)
{
    open_with_connects();
    fixture_feed(first, a, CLOSE);
    ck_assert_ptr_nonnull(first->closes);
    ck_assert_uint_eq(context.accounts.registrations, CONNECTS - 4);
    session_free(first);
    fixture_run_turns(TURNS);
    ck_assert(LIST_EMPTY(&context.loops.closing));
    ck_assert(RB_EMPTY(&context.loops.named));
}
END_TEST

START_TEST(an_open_waits_for_the_close_and_makes_a_new_loop)
{
    open_with_connects();
    fixture_feed(first, a, CLOSE);
    fixture_feed(second, b, OPEN("one", ""));
    ck_assert_ptr_null(second->member.loop->name[0] ? second->member.loop : NULL);
    fixture_run_turns(TURNS);
    fixture_expect_answer(b, "\"created\":true");
    ck_assert_str_eq(second->member.loop->name, "one");
    ck_assert_uint_eq(second->member.loop->count, 0);
    ck_assert_ptr_null(first->closes);
}
END_TEST

/* The daemon's end finishes what is done in pieces, in whatever order sessions and loops were made. */
START_TEST(the_daemon_may_end_between_two_pieces)
{
    if (_i == 0)
        take_over_one();
    else
        open_with_connects();
    if (_i == 2)
        fixture_feed(first, a, CLOSE);
}
END_TEST

/* ---- Violations ------------------------------------------------------------------------------------------------- */

static void enter_a_second_loop(void)
{
    attach_enter(first, second->member.loop, ROLE_GUEST, 0);
}

static void free_an_attached_loop(void)
{
    loop_free(first->member.loop);
}

static void forget_a_connect(void)
{
    struct loop *one = take_over_one();

    (void)one;
    attach_forget(first);
}

static void close_twice(void)
{
    struct loop *one = open_with_connects();

    fixture_feed(first, a, CLOSE);
    attach_close(&context, one);
}

static void end_more_calls_than_are_pending(void)
{
    open_with_connects();
    first->pending_calls = 1;
    attach_evict(first);
}

static const struct {
    void (*violate)(void);
    const char *condition;
} violations[] = {
    {enter_a_second_loop, "!member->loop"},
    {free_an_attached_loop, "!loop_is_used(loop)"},
    {forget_a_connect, "TAILQ_EMPTY(&session->connects)"},
    {close_twice, "!loop->closing"},
    {end_more_calls_than_are_pending, "pending_calls > 0"},
};

START_TEST(a_wrong_step_ends_the_daemon)
{
    fixture_expect_violation(violations[_i].violate, violations[_i].condition);
}
END_TEST

Suite *unit_takeovers_suite(void)
{
    Suite *suite = suite_create("unit_takeovers");
    TCase *tests = tcase_create("takeovers");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_evicted_session_enters_no_loop_before_its_calls_have_ended);
    tcase_add_test(tests, an_evicted_session_may_end_before_its_calls);
    tcase_add_test(tests, a_session_may_end_while_the_loop_is_reserved_for_the_session);
    tcase_add_loop_test(tests, both_sessions_of_a_takeover_may_end_in_either_order, 0, 2);
    tcase_add_test(tests, a_loop_is_reserved_for_one_session_at_a_time);
    tcase_add_test(tests, a_session_may_end_while_its_loop_is_closed);
    tcase_add_test(tests, an_open_waits_for_the_close_and_makes_a_new_loop);
    tcase_add_loop_test(tests, the_daemon_may_end_between_two_pieces, 0, 3);
    tcase_add_loop_test(tests, a_wrong_step_ends_the_daemon, 0, sizeof violations / sizeof *violations);
    suite_add_tcase(suite, tests);
    return suite;
}
