/* SPDX-License-Identifier: MIT */
/* Sessions in this process: what is freed, and in which order, when memory runs out or a session ends at a bad moment.
 */
#include "daemon/config/options.h"
#include "daemon/loops/persist.h"
#include "daemon/methods/dispatch.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/lifecycle.h"
#include "daemon/sessions/sessions.h"
#include "tests/fail_alloc.h"
#include "tests/skip.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *unit_sessions_suite(void);

#define TURNS           12
#define ALLOCATIONS_MAX 200

static struct context context;
static struct config config;
static struct options options;

static void tell(const char *text)
{
    ck_abort_msg("%s", text);
}

static void set_up(void)
{
    static char program[] = "minimiod", option[] = "--config", file[] = "/dev/null";
    char *arguments[] = {program, option, file, NULL};
    struct config_errors errors = {.tell = tell};

    log_set_level(LOG_LEVEL_ERROR);
    ck_assert_int_eq(options_read(&options, 3, arguments, &errors), 0);
    ck_assert_int_eq(config_load(&options, NULL, &errors, &config), 0);
    memset(&context, 0, sizeof context);
    context_init(&context, &config, session_deliver, handle_request, sessions_retry);
    ck_assert_int_eq(reactor_init(&context.turn.reactor), 0);
}

static void run_turns(int count)
{
    struct reactor *reactor = &context.turn.reactor;

    while (count-- > 0) {
        reactor_turn(reactor, true);
        schedule_run(&context.turn.schedule, reactor->woke_ns);
        reactor_free_deferred(reactor);
    }
}

/* Nothing may be left of what sessions had. */
static void tear_down(void)
{
    sessions_free_all(&context);
    sessions_close_loops(&context);
    ck_assert_uint_eq(context.loops.count, 0);
    ck_assert_uint_eq(context.accounts.sessions, 0);
    ck_assert_uint_eq(context.accounts.registrations, 0);
    ck_assert_uint_eq(context.accounts.waiting, 0);
    context_deinit(&context);
    reactor_deinit(&context.turn.reactor);
    async_closers_end();
    config_deinit(&config);
    options_deinit(&options);
}

/* The client's end of a session's socket. From the `fail_at`th allocation on, if it is not negative, those of the
 * session fail; then `*ret_session` is NULL. */
static int open_session(long fail_at, struct session **ret_session)
{
    struct account *account;
    struct fault fault;
    int ends[2], error;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    ck_assert_int_eq(accounts_add_session(&context.accounts, getuid(), &account, &fault), 0);
    fail_alloc_after(fail_at);
    error = session_new(&context, ends[0], account);
    fail_alloc_after(-1);
    *ret_session = error < 0 ? NULL : LIST_FIRST(&context.sessions);
    if (error < 0) {
        ck_assert_int_eq(error, -ENOMEM);
        accounts_remove_session(&context.accounts, account);
        close(ends[0]);
    }
    return ends[1];
}

static int open_client(struct session **ret_session)
{
    int client = open_session(-1, ret_session);

    ck_assert_ptr_nonnull(*ret_session);
    return client;
}

static void say(int client, const char *text)
{
    ck_assert_int_eq(send(client, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

static void expect_answer(int client, const char *part)
{
    char answer[4096];
    ssize_t length = recv(client, answer, sizeof answer - 1, 0);

    ck_assert_int_gt(length, 0);
    answer[length] = '\0';
    ck_assert_msg(strstr(answer, part) != NULL, "%s has no %s", answer, part);
}

START_TEST(each_allocation_of_a_session_may_fail)
{
    struct session *session = NULL;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !session; n++) {
        int client = open_session(n, &session);

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
        int client = open_client(&session);
        char answer[4096];
        ssize_t length;

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        say(client, requests[_i]);
        fail_alloc_after(n);
        run_turns(TURNS);
        whole = fail_alloc_count() < n;
        fail_alloc_after(-1);
        sessions_retry(&context.turn);
        run_turns(TURNS);
        length = recv(client, answer, sizeof answer, 0);
        ck_assert_msg(length >= 0, "no answer and no end, where allocation %ld fails", n);
        close(client);
        run_turns(TURNS);
        ck_assert(LIST_EMPTY(&context.sessions));
        ck_assert_uint_eq(context.loops.count, 0);
    }
}
END_TEST

START_TEST(a_session_that_ends_within_a_batch_frees_it)
{
    struct session *session;
    int client = open_client(&session);

    say(client,
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"delivery\":\"poll\"}},"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"},{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"poll\"}]\n");
    run_turns(TURNS);
    ck_assert(!LIST_EMPTY(&session->batches));
    ck_assert_uint_eq(session->pending_calls, 1);
    session_free(session);
    run_turns(1);
    ck_assert(LIST_EMPTY(&context.sessions));
    close(client);
}
END_TEST

/* The loop's events wait for the batch, and the batch for the poll that is cancelled as the loop is taken over. */
START_TEST(a_takeover_ends_the_batch_that_polls)
{
    struct session *first, *second;
    int a = open_client(&first), b = open_client(&second);

    say(a,
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"one\",\"delivery\":\"poll\"}},"
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"poll\"}]\n");
    run_turns(TURNS);
    say(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"one\",\"takeover\":true}}\n");
    run_turns(TURNS);
    expect_answer(a, "LOOP_CLOSED");
    expect_answer(b, "\"created\":false");
    ck_assert_ptr_null(first->loop);
    ck_assert_ptr_eq(second->loop->session, second);
    ck_assert(LIST_EMPTY(&first->batches));
    close(a);
    close(b);
}
END_TEST

/* States only go forward: what comes late does not open what is closing. */
START_TEST(a_connection_that_closes_stays_closing)
{
    struct session *session;
    int client = open_client(&session);

    conn_begin_close(&session->conn);
    ck_assert_int_eq(session->conn.state, CONN_CLOSING);
    ck_assert(!conn_is_writable(&session->conn));
    conn_abort(&session->conn);
    conn_begin_close(&session->conn);
    ck_assert_int_eq(session->conn.state, CONN_ABORTED);
    run_turns(TURNS);
    ck_assert(LIST_EMPTY(&context.sessions));
    close(client);
}
END_TEST

Suite *unit_sessions_suite(void)
{
    Suite *suite = suite_create("unit_sessions");
    TCase *tests = tcase_create("sessions");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_allocation_of_a_session_may_fail);
    tcase_add_loop_test(tests, each_allocation_of_a_request_may_fail, 0, sizeof requests / sizeof *requests);
    tcase_add_test(tests, a_session_that_ends_within_a_batch_frees_it);
    tcase_add_test(tests, a_takeover_ends_the_batch_that_polls);
    tcase_add_test(tests, a_connection_that_closes_stays_closing);
    suite_add_tcase(suite, tests);
    return suite;
}
