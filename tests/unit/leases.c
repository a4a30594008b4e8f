/* SPDX-License-Identifier: MIT */
/* Workers and the streams that they hold: the end of a lease, and who enters while a worker is about to enter. */
#include "daemon/loops/stream.h"
#include "tests/unit/fixture.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

Suite *unit_leases_suite(void);

/* More streams than are rearmed in a piece. */
#define MANY 20

#define OPEN(role, more)                                                                                               \
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"shared\",\"role\":\"" role          \
    "\"" more "}}\n"
#define REREGISTER(more) "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"reregister\",\"params\":{\"token\":7" more "}}\n"

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
    close(b);
    close(c);
    fixture_tear_down();
}

static void request(struct session *session, int client, const char *text, const char *answer)
{
    fixture_feed(session, client, text);
    fixture_run_turns(TURNS);
    fixture_expect_answer(client, answer);
}

/* The first session, a worker, holds token 7; the second is a worker, the third a guest. Returns the stream's peer. */
static int lease_to_first(struct stream **ret_stream)
{
    int peer;

    request(first, a, OPEN("worker", ",\"linger_ms\":0"), "\"created\":true");
    request(second, b, OPEN("worker", ""), "\"created\":false");
    request(third, c, OPEN("guest", ""), "\"created\":false");
    peer = fixture_add_stream(first->member.loop, 7, READY_READABLE, MODE_ONESHOT, ret_stream);
    ck_assert_int_eq(write(peer, "x", 1), 1);
    fixture_run_turns(TURNS);
    fixture_expect_answer(a, "\"token\":7");
    ck_assert_ptr_eq((*ret_stream)->holder, &first->member);
    return peer;
}

static void drain(const struct stream *stream)
{
    char byte;

    ck_assert_int_eq(read(stream->fd, &byte, 1), 1);
}

/* No request comes after the end of the worker: the turn of the end must ask whether the stream is ready. */
START_TEST(a_dead_workers_event_goes_to_another_without_any_request)
{
    struct stream *stream;
    int peer = lease_to_first(&stream);

    fixture_close_client(a);
    fixture_expect_answer(b, "\"redelivered\":true");
    ck_assert_ptr_eq(stream->holder, &second->member);
    close(peer);
}
END_TEST

START_TEST(a_reregister_of_an_armed_stream_ends_the_redelivery)
{
    struct stream *stream;
    int peer = lease_to_first(&stream);

    drain(stream);
    fixture_close_client(a);
    ck_assert_ptr_null(stream->holder);
    ck_assert_uint_eq(stream->redelivered, READY_REDELIVERED);
    request(third, c, REREGISTER(""), "\"result\":{}");
    ck_assert_uint_eq(stream->redelivered, 0);
    ck_assert_int_eq(write(peer, "x", 1), 1);
    fixture_run_turns(TURNS);
    fixture_expect_answer(b, "{\"token\":7,\"readable\":true}");
    close(peer);
}
END_TEST

/* ---- A worker about to enter ------------------------------------------------------------------------------------ */

/* The first session is a guest. The second is about to enter as worker, and has rearmed a part of the streams. */
static struct loop *enter_in_part(int peers[MANY])
{
    struct stream *stream;
    struct loop *loop;

    request(first, a, OPEN("guest", ",\"linger_ms\":0"), "\"created\":true");
    loop = first->member.loop;
    for (uint64_t i = 0; i < MANY; i++)
        peers[i] = fixture_add_stream(loop, i, READY_READABLE, MODE_ONESHOT, &stream);
    fixture_feed(second, b, OPEN("worker", ""));
    ck_assert_uint_eq(loop->entrant_count, 1);
    ck_assert_uint_eq(loop->worker_count, 0);
    return loop;
}

static void close_all(const int peers[MANY])
{
    for (int i = 0; i < MANY; i++)
        close(peers[i]);
}

START_TEST(a_stream_gets_no_lasting_mode_while_a_worker_enters)
{
    int peers[MANY];
    struct loop *loop = enter_in_part(peers);

    fixture_feed(first, a, REREGISTER(",\"mode\":\"edge\""));
    fixture_run_turns(TURNS);
    fixture_expect_answer(a, "\"param\":\"mode\"");
    ck_assert_uint_eq(loop->worker_count, 1);
    ck_assert_uint_eq(loop->lasting_count, 0);
    close_all(peers);
    close(a);
}
END_TEST

START_TEST(the_settings_of_a_loop_stay_while_a_worker_enters)
{
    int peers[MANY];
    struct loop *loop = enter_in_part(peers);

    fixture_feed(first, a, OPEN("guest", ",\"delivery\":\"poll\""));
    fixture_run_turns(TURNS);
    fixture_expect_answer(a, "\"param\":\"delivery\"");
    ck_assert_uint_eq(loop->delivery, DELIVERY_PUSH);
    close_all(peers);
    close(a);
}
END_TEST

Suite *unit_leases_suite(void)
{
    Suite *suite = suite_create("unit_leases");
    TCase *tests = tcase_create("leases");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_dead_workers_event_goes_to_another_without_any_request);
    tcase_add_test(tests, a_reregister_of_an_armed_stream_ends_the_redelivery);
    tcase_add_test(tests, a_stream_gets_no_lasting_mode_while_a_worker_enters);
    tcase_add_test(tests, the_settings_of_a_loop_stay_while_a_worker_enters);
    suite_add_tcase(suite, tests);
    return suite;
}
