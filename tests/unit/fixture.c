/* SPDX-License-Identifier: MIT */
#include "tests/unit/fixture.h"

#include "daemon/base/log.h"
#include "daemon/config/options.h"
#include "daemon/loops/stream.h"
#include "daemon/methods/dispatch.h"
#include "daemon/sessions/delivery.h"
#include "daemon/sessions/lifecycle.h"
#include "daemon/sessions/sessions.h"
#include "tests/fail_alloc.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct context context;
struct config config;
static struct options options;

static void tell(const char *text)
{
    ck_abort_msg("%s", text);
}

void fixture_set_up(void)
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

void fixture_tear_down(void)
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

/* ---- Turns ------------------------------------------------------------------------------------------------------ */

void fixture_run_turns(int count)
{
    struct reactor *reactor = &context.turn.reactor;

    while (count-- > 0) {
        reactor_turn(reactor, true);
        schedule_run(&context.turn.schedule, reactor->woke_ns);
        reactor_free_deferred(reactor);
    }
}

void fixture_collect_events(void)
{
    reactor_turn(&context.turn.reactor, true);
    reactor_free_deferred(&context.turn.reactor);
}

void fixture_run_piece(struct task *task)
{
    if (!task->queued) /* a ck_assert that holds allocates, and allocations may fail now */
        ck_abort_msg("the task is not queued");
    task_cancel(task);
    context.turn.schedule.slice_until_ns = 0;
    task->run(task);
}

/* ---- Clients ---------------------------------------------------------------------------------------------------- */

void fixture_make_pair(int ret_ends[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_ends), 0);
}

int fixture_open_session(long fail_at, struct session **ret_session)
{
    struct account *account;
    struct fault fault;
    int ends[2], error;

    fixture_make_pair(ends);
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

int fixture_open_client(struct session **ret_session)
{
    int client = fixture_open_session(-1, ret_session);

    ck_assert_ptr_nonnull(*ret_session);
    return client;
}

void fixture_close_client(int client)
{
    close(client);
    fixture_run_turns(TURNS);
}

void fixture_say(int client, const char *text)
{
    ck_assert_int_eq(send(client, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

void fixture_feed(struct session *session, int client, const char *text)
{
    fixture_say(client, text);
    session->conn.readable = true;
    conn_schedule_input(&session->conn);
    while (session->conn.input_task.queued)
        fixture_run_piece(&session->conn.input_task);
}

void fixture_expect_answer(int client, const char *part)
{
    char answer[4096];
    ssize_t length = recv(client, answer, sizeof answer - 1, 0);

    ck_assert_msg(length > 0, "no answer, where %s is expected", part);
    answer[length] = '\0';
    ck_assert_msg(strstr(answer, part) != NULL, "%s has no %s", answer, part);
}

bool fixture_has_no_answer(int client)
{
    struct pollfd waiting = {.fd = client, .events = POLLIN};

    return poll(&waiting, 1, 0) == 0;
}

int fixture_add_stream(struct loop *loop, uint64_t token, uint8_t interests, uint8_t mode, struct stream **ret_stream)
{
    struct fault fault;
    int ends[2];

    fixture_make_pair(ends);
    ck_assert_int_eq(accounts_add_registration(&context.accounts, loop->account, &fault), 0);
    *ret_stream = stream_new(loop, token, (struct span){0}, interests, mode);
    ck_assert_ptr_nonnull(*ret_stream);
    ck_assert_int_eq(stream_adopt(&context.turn.reactor, *ret_stream, ends[0], FD_KIND_STREAM), 0);
    return ends[1];
}

/* ---- Violations ------------------------------------------------------------------------------------------------- */

static void run_violation(void (*violate)(void), int log_end)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    dup2(log_end, STDERR_FILENO);
    unsetenv("JOURNAL_STREAM");
    violate();
    _exit(0);
}

void fixture_expect_violation(void (*violate)(void), const char *condition)
{
    char line[512] = "";
    int ends[2], status;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        run_violation(violate, ends[1]);
    close(ends[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "the child did not abort: %s", condition);
    ck_assert_int_gt(read(ends[0], line, sizeof line - 1), 0);
    ck_assert_msg(strstr(line, condition) != NULL, "logged %s, not %s", line, condition);
    close(ends[0]);
}
