/* SPDX-License-Identifier: MIT */
/* Guests and workers in this process: what others do between two pieces of an open_loop, and allocations that fail. */
#include "daemon/loops/stream.h"
#include "daemon/sessions/lifecycle.h"
#include "daemon/sessions/sessions.h"
#include "tests/fail_alloc.h"
#include "tests/skip.h"
#include "tests/unit/fixture.h"

#include <check.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *unit_roles_suite(void);

/* More than a piece of rearmed streams. */
#define STREAMS 20

#define OPEN(more)                                                                                                     \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"one\",\"linger_ms\":0" more "}}\n"
#define ROLE(name)           ",\"role\":\"" name "\""
#define WAIT                 ",\"wait_ms\":100000"
#define CALL(method, params) "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"" method "\",\"params\":" params "}\n"

static struct session *first, *second, *third;
static int a, b, c; /* their clients */
static int peers[STREAMS];

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

/* The second session is a guest of a loop with streams, and the first one is about to enter: some of the streams are
 * rearmed. */
static struct loop *reserve(const char *request)
{
    struct stream *stream;
    struct loop *loop;

    fixture_feed(second, b, OPEN(ROLE("guest")));
    fixture_run_turns(TURNS);
    fixture_expect_answer(b, "\"created\":true");
    loop = second->member.loop;
    for (int i = 0; i < STREAMS; i++)
        peers[i] = fixture_add_stream(loop, (uint64_t)i, READY_WRITABLE, MODE_ONESHOT, &stream);
    fixture_feed(first, a, request);
    ck_assert(loop->reserved);
    ck_assert_uint_eq(loop->entrant_count, 1);
    return loop;
}

static void close_peers(void)
{
    for (int i = 0; i < STREAMS; i++)
        close(peers[i]);
}

static const char *const entries[] = {OPEN(""), OPEN(ROLE("worker"))};

START_TEST(a_guest_may_close_the_loop_that_another_enters)
{
    reserve(entries[_i]);
    fixture_feed(second, b, CALL("close_loop", "{}"));
    fixture_run_turns(TURNS);
    fixture_expect_answer(b, "\"result\":{}");
    fixture_expect_answer(a, "\"created\":true");
    ck_assert_uint_eq(first->member.loop->count, 0);
    ck_assert(!first->member.loop->reserved);
    ck_assert_uint_eq(first->member.loop->entrant_count, 0);
    close_peers();
}
END_TEST

START_TEST(who_enters_may_end_while_a_guest_closes_the_loop)
{
    reserve(entries[_i]);
    fixture_feed(second, b, CALL("close_loop", "{}"));
    session_free(first);
    fixture_run_turns(TURNS);
    fixture_expect_answer(b, "\"result\":{}");
    ck_assert(RB_EMPTY(&context.loops.named));
    close_peers();
}
END_TEST

/* Workers share oneshot registrations only. */
START_TEST(no_edge_registration_comes_while_a_worker_enters)
{
    struct loop *loop = reserve(entries[1]);

    fixture_feed(second, b, CALL("reregister", "{\"token\":1,\"mode\":\"edge\"}"));
    fixture_run_turns(TURNS);
    fixture_expect_answer(b, "INVALID_PARAMS");
    ck_assert_uint_eq(loop->lasting_count, 0);
    ck_assert_ptr_eq(first->member.loop, loop);
    close_peers();
}
END_TEST

/* Streams that go and come meanwhile. */
START_TEST(a_guest_may_change_registrations_while_another_enters)
{
    struct loop *loop = reserve(entries[_i]);
    char text[128];

    for (int i = 0; i < STREAMS; i += 2) {
        snprintf(text, sizeof text, CALL("deregister", "[%d]"), i);
        fixture_feed(second, b, text);
    }
    fixture_run_turns(TURNS);
    ck_assert_uint_eq(loop->count, STREAMS / 2);
    ck_assert_ptr_eq(first->member.loop, loop);
    fixture_expect_answer(a, "\"token\":1,");
    close_peers();
}
END_TEST

/* ---- Allocations ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *before, *request; /* of the second session; of the first session */
} requests[] = {
    {NULL, OPEN(ROLE("guest"))},
    {NULL, OPEN(ROLE("worker") ",\"prefetch\":4")},
    {OPEN(ROLE("worker")), OPEN(ROLE("worker"))},
    {OPEN(""), OPEN(ROLE("worker") ",\"takeover\":true")},
    {OPEN(""), OPEN(WAIT)},
    {OPEN(""), OPEN(ROLE("worker") WAIT)},
    {NULL, "[" OPEN(ROLE("worker")) "," CALL("poll", "[0]") "]\n"},
};

/* The first client has an answer, or its session has ended, or its call waits still. */
START_TEST(each_allocation_of_an_open_loop_may_fail)
{
    bool whole = false;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !whole; n++) {
        struct session *inside, *comes;
        int other = fixture_open_client(&inside), client = fixture_open_client(&comes);
        char answer[4096];

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        if (requests[_i].before)
            fixture_feed(inside, other, requests[_i].before);
        fixture_run_turns(TURNS);
        fixture_say(client, requests[_i].request);
        fail_alloc_after(n);
        fixture_run_turns(TURNS);
        whole = fail_alloc_count() < n;
        fail_alloc_after(-1);
        close(other); /* now a waiting call has its turn */
        sessions_retry(&context.turn);
        fixture_run_turns(TURNS);
        ck_assert_msg(recv(client, answer, sizeof answer, 0) >= 0, "no answer and no end, where allocation %ld fails",
                      n);
        close(client);
        fixture_run_turns(TURNS);
        ck_assert(RB_EMPTY(&context.loops.named));
        ck_assert_uint_eq(context.loops.waiter_count, 0);
    }
}
END_TEST

/* The event stays ready, and is told once there is memory. */
START_TEST(each_allocation_of_a_delivery_may_fail)
{
    bool whole = false;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !whole; n++) {
        struct session *worker;
        int client = fixture_open_client(&worker), peer;
        struct stream *stream;

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        fixture_feed(worker, client, _i ? OPEN(ROLE("worker") ",\"delivery\":\"poll\"") : OPEN(ROLE("worker")));
        fixture_run_turns(TURNS);
        fixture_expect_answer(client, "\"created\":true");
        if (_i) {
            fixture_say(client, CALL("poll", "{}"));
            fixture_run_turns(TURNS);
        }
        peer = fixture_add_stream(worker->member.loop, 7, READY_WRITABLE, MODE_ONESHOT, &stream);
        fail_alloc_after(n);
        fixture_run_turns(TURNS);
        whole = fail_alloc_count() < n;
        fail_alloc_after(-1);
        sessions_retry(&context.turn);
        fixture_run_turns(TURNS);
        fixture_expect_answer(client, _i && !worker->member.loop ? "" : "\"token\":7,");
        ck_assert_uint_eq(context.loops.lease_count, 1);
        ck_assert_ptr_eq(stream->holder, &worker->member);
        fixture_close_client(client);
        close(peer);
        ck_assert_uint_eq(context.loops.lease_count, 0);
    }
}
END_TEST

#define REGISTER CALL("register", "{\"token\":5,\"address\":\"127.0.0.1:9\",\"ensure\":true,\"timeout_ms\":100000}")

/* Both callers have an answer, and nothing is counted, whichever of them the daemon lacks memory for. */
START_TEST(each_allocation_of_a_follower_may_fail)
{
    bool whole = false;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !whole; n++) {
        struct session *begins, *follows;
        int client = fixture_open_client(&begins), follower = fixture_open_client(&follows);
        char answer[4096];

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        fixture_feed(begins, client, OPEN(ROLE("guest")));
        fixture_feed(follows, follower, OPEN(ROLE("guest")));
        fixture_feed(begins, client, REGISTER);
        ck_assert_uint_eq(begins->pending_calls, 1);
        fixture_say(follower, REGISTER);
        fail_alloc_after(n);
        fixture_run_turns(1);
        whole = fail_alloc_count() < n;
        fail_alloc_after(-1);
        fixture_close_client(client);
        sessions_retry(&context.turn);
        fixture_run_turns(TURNS);
        ck_assert_int_gt(recv(follower, answer, sizeof answer, MSG_DONTWAIT), 0);
        fixture_close_client(follower);
        ck_assert_uint_eq(context.accounts.registrations, 0);
    }
}
END_TEST

Suite *unit_roles_suite(void)
{
    Suite *suite = suite_create("unit_roles");
    TCase *tests = tcase_create("roles");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, a_guest_may_close_the_loop_that_another_enters, 0, 2);
    tcase_add_loop_test(tests, who_enters_may_end_while_a_guest_closes_the_loop, 0, 2);
    tcase_add_test(tests, no_edge_registration_comes_while_a_worker_enters);
    tcase_add_loop_test(tests, a_guest_may_change_registrations_while_another_enters, 0, 2);
    tests = tcase_create("allocations");
    tcase_add_checked_fixture(tests, fixture_set_up, fixture_tear_down);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, each_allocation_of_an_open_loop_may_fail, 0, sizeof requests / sizeof *requests);
    tcase_add_loop_test(tests, each_allocation_of_a_delivery_may_fail, 0, 2);
    tcase_add_test(tests, each_allocation_of_a_follower_may_fail);
    return suite;
}
