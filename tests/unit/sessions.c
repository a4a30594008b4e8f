/* SPDX-License-Identifier: MIT */
/* Sessions in this process: what is freed, and in which order, when memory runs out or a session ends at a bad moment.
 */
#include "tests/fail_alloc.h"
#include "tests/skip.h"
#include "tests/unit/fixture.h"

#include "daemon/sessions/lifecycle.h"
#include "daemon/sessions/sessions.h"

#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *unit_sessions_suite(void);

START_TEST(each_allocation_of_a_session_may_fail)
{
    struct session *session = NULL;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !session; n++) {
        int client = fixture_open_session(n, &session);

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        ck_assert_uint_eq(context.loops.count, session ? 1 : 0);
        close(client);
    }
}
END_TEST

/* Each is answered with a result when memory suffices. */
static const char *const requests[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"kept\",\"linger_ms\":0}}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"close_loop\"}\n",
    "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"delivery\":\"poll\"}},"
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"poll\",\"params\":{\"timeout_ms\":0}},"
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}]\n",
};

/* Whatever fails, the client has an answer, or its session has ended: it does not wait for ever. */
START_TEST(each_allocation_of_a_request_may_fail)
{
    bool whole = false;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !whole; n++) {
        struct session *session;
        int client = fixture_open_client(&session);
        char answer[4096];
        ssize_t length;

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        fixture_say(client, requests[_i]);
        fail_alloc_after(n);
        fixture_run_turns(TURNS);
        whole = fail_alloc_count() < n;
        fail_alloc_after(-1);
        sessions_retry(&context.turn);
        fixture_run_turns(TURNS);
        length = recv(client, answer, sizeof answer, 0);
        ck_assert_msg(length >= 0, "no answer and no end, where allocation %ld fails", n);
        close(client);
        fixture_run_turns(TURNS);
        ck_assert(LIST_EMPTY(&context.sessions));
        ck_assert_uint_eq(context.loops.count, 0);
    }
}
END_TEST

START_TEST(a_session_that_ends_within_a_batch_frees_it)
{
    struct session *session;
    int client = fixture_open_client(&session);

    fixture_say(
        client,
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"delivery\":\"poll\"}},"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"poll\"}]\n");
    fixture_run_turns(TURNS);
    ck_assert(!LIST_EMPTY(&session->batches));
    ck_assert_uint_eq(session->pending_calls, 1);
    session_free(session);
    fixture_run_turns(1);
    ck_assert(LIST_EMPTY(&context.sessions));
    close(client);
}
END_TEST

/* The loop's events wait for the batch, and the batch for the poll that is cancelled as the loop is taken over. */
START_TEST(a_takeover_ends_the_batch_that_polls)
{
    struct session *first, *second;
    int a = fixture_open_client(&first), b = fixture_open_client(&second);

    fixture_say(
        a,
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"one\",\"delivery\":\"poll\"}},"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"poll\"}]\n");
    fixture_run_turns(TURNS);
    fixture_say(
        b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"one\",\"takeover\":true}}\n");
    fixture_run_turns(TURNS);
    fixture_expect_answer(a, "LOOP_CLOSED");
    fixture_expect_answer(b, "\"created\":false");
    ck_assert_ptr_null(first->member.loop);
    ck_assert_ptr_eq(second->member.loop->owner, &second->member);
    ck_assert(LIST_EMPTY(&first->batches));
    close(a);
    close(b);
}
END_TEST

/* States only go forward: what comes late does not open what is closing. */
START_TEST(a_connection_that_closes_stays_closing)
{
    struct session *session;
    int client = fixture_open_client(&session);

    conn_begin_close(&session->conn);
    ck_assert_int_eq(session->conn.state, CONN_CLOSING);
    ck_assert(!conn_is_writable(&session->conn));
    conn_abort(&session->conn);
    conn_begin_close(&session->conn);
    ck_assert_int_eq(session->conn.state, CONN_ABORTED);
    fixture_run_turns(TURNS);
    ck_assert(LIST_EMPTY(&context.sessions));
    close(client);
}
END_TEST

Suite *unit_sessions_suite(void)
{
    Suite *suite = suite_create("unit_sessions");
    TCase *tests = tcase_create("sessions");

    tcase_add_checked_fixture(tests, fixture_set_up, fixture_tear_down);
    tcase_add_test(tests, each_allocation_of_a_session_may_fail);
    tcase_add_loop_test(tests, each_allocation_of_a_request_may_fail, 0, sizeof requests / sizeof *requests);
    tcase_add_test(tests, a_session_that_ends_within_a_batch_frees_it);
    tcase_add_test(tests, a_takeover_ends_the_batch_that_polls);
    tcase_add_test(tests, a_connection_that_closes_stays_closing);
    suite_add_tcase(suite, tests);
    return suite;
}
