/* SPDX-License-Identifier: MIT */
/* Pending registers by address and polls: ended in every state, between two steps that a client cannot time. */
#include "daemon/loops/pending.h"

#include "daemon/loops/stream.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/lifecycle.h"
#include "tests/fail_alloc.h"
#include "tests/skip.h"
#include "tests/unit/fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *unit_pending_suite(void);

static struct session *session;
static struct loop *loop;
static int client;
static uint32_t output_bytes;
static int listener = -1;
static char register_text[256];

static struct reactor *reactor(void)
{
    return &context.turn.reactor;
}

/* ---- A server --------------------------------------------------------------------------------------------------- */

static void listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    snprintf(register_text, sizeof register_text,
             "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"register\",\"params\":{\"token\":1,"
             "\"address\":\"127.0.0.1:%d\",\"interests\":[\"readable\"]}}\n",
             ntohs(address.sin_port));
}

/* The port stays the test's, and refuses connections. */
static void refuse_connections(void)
{
    ck_assert_int_eq(shutdown(listener, SHUT_RDWR), 0);
}

/* Whether the server's end of the next connection is closed by the daemon. */
static bool is_connection_closed(void)
{
    int connection = accept(listener, NULL, NULL);
    char byte;
    ssize_t length;

    ck_assert_int_ge(connection, 0);
    length = recv(connection, &byte, 1, MSG_DONTWAIT);
    close(connection);
    return length == 0 || (length < 0 && errno == ECONNRESET);
}

static void set_up(void)
{
    fixture_set_up();
    output_bytes = config.limits.output_bytes;
    client = fixture_open_client(&session);
    loop = session->member.loop;
    listen_on_loopback();
}

static void tear_down(void)
{
    config.limits.output_bytes = output_bytes;
    close(listener);
    close(client);
    fixture_tear_down();
}

/* ---- Connects --------------------------------------------------------------------------------------------------- */

static struct pending *begin_connect(void)
{
    fixture_feed(session, client, register_text);
    ck_assert_uint_eq(session->pending_calls, 1);
    return TAILQ_FIRST(&session->connects);
}

/* The outcome is there, and the client reads no answers. */
static struct pending *await_outcome(void)
{
    struct pending *pending = begin_connect();

    config.limits.output_bytes = 0;
    while (TAILQ_EMPTY(&session->done))
        ck_assert_int_eq(reactor_turn(reactor(), false), 0);
    ck_assert_ptr_eq(TAILQ_FIRST(&session->done), pending);
    ck_assert(fixture_has_no_answer(client));
    return pending;
}

static void expect_nothing_left(void)
{
    ck_assert(TAILQ_EMPTY(&session->connects));
    ck_assert(TAILQ_EMPTY(&session->done));
    ck_assert_ptr_null(loop_find(loop, 1));
    ck_assert_uint_eq(context.accounts.registrations, 0);
    ck_assert_uint_eq(context.accounts.waiting, 0);
}

/* The answer; or, without memory for the answer, the end of the session. Then the next session begins. */
static void expect_refusal(void)
{
    if (!LIST_EMPTY(&context.sessions)) {
        fixture_expect_answer(client, "out of memory");
        return;
    }
    close(client);
    client = fixture_open_client(&session);
    loop = session->member.loop;
}

/* The client gets the answer, or a fault, and the token is free if the call failed. */
START_TEST(each_allocation_of_a_register_may_fail)
{
    bool whole = false;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !whole; n++) {
        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        fixture_say(client, register_text);
        fixture_collect_events();
        fail_alloc_after(n);
        fixture_run_piece(&session->conn.input_task);
        whole = fail_alloc_count() < n;
        fail_alloc_after(-1);
        ck_assert_int_eq(!TAILQ_EMPTY(&session->connects), whole);
        ck_assert_uint_eq(context.accounts.registrations, whole);
        ck_assert_uint_eq(session->pending_calls, whole);
        if (whole)
            break;
        ck_assert_ptr_null(loop_find(loop, 1));
        fixture_run_turns(2);
        expect_refusal();
    }
}
END_TEST

START_TEST(a_connect_may_be_cancelled_before_it_begins)
{
    struct pending *pending = begin_connect();
    struct fault fault;

    fault_set(&fault, FAULT_CANCELLED, "cancelled by the test");
    pending->cancel(pending, &fault);
    expect_nothing_left();
    ck_assert_uint_eq(session->pending_calls, 0);
    fixture_run_turns(2);
    fixture_expect_answer(client, "cancelled by the test");
}
END_TEST

START_TEST(an_outcome_waits_for_the_client_to_read)
{
    if (_i)
        refuse_connections();
    await_outcome();
    config.limits.output_bytes = output_bytes;
    conn_mark_dirty(&session->conn);
    fixture_run_turns(2);
    fixture_expect_answer(client, _i ? "CONNECT_FAILED" : "\"peer\":\"127.0.0.1:");
    ck_assert_uint_eq(context.accounts.registrations, !_i);
    ck_assert_uint_eq(session->pending_calls, 0);
}
END_TEST

/* The connection that the client never learned of is closed. */
START_TEST(a_connect_with_an_outcome_may_be_cancelled)
{
    struct pending *pending;
    struct fault fault;

    if (_i)
        refuse_connections();
    pending = await_outcome();
    fault_set(&fault, FAULT_CANCELLED, "cancelled by the test");
    pending->cancel(pending, &fault);
    expect_nothing_left();
    ck_assert(_i || is_connection_closed());
    ck_assert_uint_eq(session->pending_calls, 0);
}
END_TEST

START_TEST(a_session_with_an_outcome_may_end)
{
    if (_i)
        refuse_connections();
    await_outcome();
    session_free(session);
    ck_assert_uint_eq(context.accounts.registrations, 0);
    ck_assert(_i || is_connection_closed());
    fixture_run_turns(1);
}
END_TEST

/* ---- Polls ------------------------------------------------------------------------------------------------------ */

#define FEW 3

#define POLL(max, more) "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"poll\",\"params\":{\"max\":" max more "}}\n"

static struct stream *streams[FEW];
static int peers[FEW];

/* Level streams with undelivered readiness. */
static void add_ready_streams(void)
{
    loop->delivery = DELIVERY_POLL;
    for (uint64_t i = 0; i < FEW; i++) {
        peers[i] = fixture_add_stream(loop, i, READY_READABLE, MODE_LEVEL, &streams[i]);
        ck_assert_int_eq(write(peers[i], "x", 1), 1);
    }
    fixture_collect_events();
    ck_assert_uint_eq(loop->ready_count, FEW);
}

static void close_peers(void)
{
    for (int i = 0; i < FEW; i++)
        close(peers[i]);
}

static void take_byte(struct stream *stream)
{
    char byte;

    ck_assert_int_eq(read(stream->fd, &byte, 1), 1);
}

/* The kernel is asked about all streams, and has not answered. */
static void begin_poll(const char *text)
{
    fixture_feed(session, client, text);
    ck_assert_ptr_nonnull(session->member.poll);
    ck_assert(!session->member.poll->may_deliver(session->member.poll));
    for (int i = 0; i < FEW; i++)
        ck_assert_uint_eq(streams[i]->pending, 0);
    ck_assert_uint_eq(loop->ready_count, FEW);
}

/* The others' answers count for the others alone. */
START_TEST(a_stream_may_end_while_a_poll_asks_about_it)
{
    add_ready_streams();
    begin_poll(POLL("8", ""));
    stream_deregister(reactor(), streams[_i]);
    take_byte(streams[(_i + 1) % FEW]);
    fixture_collect_events();
    fixture_run_turns(2);
    ck_assert_ptr_null(session->member.poll);
    ck_assert_int_eq(streams[(_i + 1) % FEW]->list, LIST_NONE);
    ck_assert_int_eq(streams[(_i + 2) % FEW]->list, LIST_DELIVERED);
    ck_assert_uint_eq(loop->ready_count, 0);
    fixture_expect_answer(client, "\"events\":[{\"token\":");
    close_peers();
}
END_TEST

/* A stream that was asked about is in the list of ready streams no longer, unless the kernel has answered. */
START_TEST(a_poll_that_ends_while_it_asks_leaves_no_idle_stream)
{
    add_ready_streams();
    begin_poll(POLL("8", ""));
    attach_evict(session);
    ck_assert_ptr_null(session->member.poll);
    ck_assert_uint_eq(loop->leaver_count, 0);
    ck_assert_uint_eq(loop->ready_count, 0);
    ck_assert_uint_eq(session->pending_calls, 0);
    fixture_collect_events();
    ck_assert_uint_eq(loop->ready_count, FEW);
    attach_enter(session, loop, ROLE_OWNER, 0);
    close_peers();
}
END_TEST

START_TEST(a_session_may_end_while_its_poll_asks)
{
    add_ready_streams();
    begin_poll(POLL("8", ",\"timeout_ms\":1000"));
    session_free(session);
    fixture_run_turns(TURNS);
    ck_assert_uint_eq(context.loops.count, 0);
    close_peers();
}
END_TEST

/* The kernel may have more events than the turn has taken: they would be missed. */
START_TEST(a_poll_waits_for_all_events_of_the_kernel)
{
    struct task *recheck;

    add_ready_streams();
    begin_poll(POLL("8", ",\"timeout_ms\":0"));
    recheck = TAILQ_FIRST(&loop->account->share.tasks[STAGE_RUN]);
    reactor()->full = true;
    fixture_run_piece(recheck);
    ck_assert(recheck->queued);
    ck_assert_uint_eq(loop->ready_count, FEW);
    ck_assert(!session->member.poll->may_deliver(session->member.poll));
    fixture_run_turns(2);
    fixture_expect_answer(client, "{\"token\":2,");
    close_peers();
}
END_TEST

/* ---- Violations ------------------------------------------------------------------------------------------------- */

static void answer_without_an_outcome(void)
{
    struct pending *pending = begin_connect();

    pending->answer(pending);
}

static void cancel_another_poll(void)
{
    struct pending other = {0}, *poll;

    loop->delivery = DELIVERY_POLL;
    fixture_feed(session, client, POLL("1", ""));
    poll = session->member.poll;
    session->member.poll = &other;
    poll->cancel(poll, NULL);
}

static const struct {
    void (*violate)(void);
    const char *condition;
} violations[] = {
    {answer_without_an_outcome, "pending->result"},
    {cancel_another_poll, "member->poll == &poll->base"},
};

START_TEST(a_wrong_step_ends_the_daemon)
{
    fixture_expect_violation(violations[_i].violate, violations[_i].condition);
}
END_TEST

Suite *unit_pending_suite(void)
{
    Suite *suite = suite_create("unit_pending");
    TCase *tests = tcase_create("pending");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_allocation_of_a_register_may_fail);
    tcase_add_test(tests, a_connect_may_be_cancelled_before_it_begins);
    tcase_add_loop_test(tests, an_outcome_waits_for_the_client_to_read, 0, 2);
    tcase_add_loop_test(tests, a_connect_with_an_outcome_may_be_cancelled, 0, 2);
    tcase_add_loop_test(tests, a_session_with_an_outcome_may_end, 0, 2);
    tcase_add_loop_test(tests, a_stream_may_end_while_a_poll_asks_about_it, 0, FEW);
    tcase_add_test(tests, a_poll_that_ends_while_it_asks_leaves_no_idle_stream);
    tcase_add_test(tests, a_session_may_end_while_its_poll_asks);
    tcase_add_test(tests, a_poll_waits_for_all_events_of_the_kernel);
    tcase_add_loop_test(tests, a_wrong_step_ends_the_daemon, 0, sizeof violations / sizeof *violations);
    suite_add_tcase(suite, tests);
    return suite;
}
