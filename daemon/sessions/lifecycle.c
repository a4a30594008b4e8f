/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/lifecycle.h"

#include "daemon/base/invariant.h"
#include "daemon/base/probe.h"
#include "daemon/loops/stream.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/batch.h"
#include "daemon/sessions/input.h"
#include "daemon/sessions/trace.h"

#include <errno.h>
#include <stdlib.h>

/* Reads of a session in a turn: a read may end early, at descriptors. */
#define READS 16

/* Unclaimed descriptors of an ending session closed in a turn. */
#define DISCARDS 4

/* ---- Input ------------------------------------------------------------------------------------------------------ */

/* Whether ending the session takes more than a piece of work. */
static bool has_much_left(const struct session *session)
{
    return !TAILQ_EMPTY(&session->connects) || session->conn.inbox.count > DISCARDS;
}

static void session_end_piece(struct session *session)
{
    struct conn *conn = &session->conn;

    attach_end_connects(session, NULL);
    for (int i = 0; i < DISCARDS; i++)
        conn_discard_fd(conn);
    conn_count_inbox(conn);
    if (has_much_left(session))
        conn_schedule_input(conn);
    conn_mark_dirty(conn);
}

/* Reads once and dispatches the messages. True: the read ended at descriptors, so more messages may follow. */
static bool read_and_dispatch(struct session *session, uint64_t budget)
{
    bool ended_at_fds;
    size_t length = conn_read(&session->conn, &ended_at_fds);

    if (length)
        input_feed(session, length, budget);
    return ended_at_fds && !session->conn.backlog;
}

static void session_run(struct task *task)
{
    struct session *session = container_of(task, struct session, conn.input_task);
    struct conn *conn = &session->conn;
    uint64_t budget = turn_budget(conn->wire->turn);

    if (conn->state != CONN_SERVING)
        session_end_piece(session);
    if (!conn_is_writable(conn))
        return;
    if (async_closer_is_full(&conn->account->closer)) {
        turn_retry_soon(conn->wire->turn);
        return;
    }
    if (conn->backlog)
        input_feed_backlog(session, budget);
    if (!conn->backlog && conn->readable) {
        int reads = READS;
        while (reads-- > 0 && input_may_dispatch(session, budget) && read_and_dispatch(session, budget))
            ;
    }
    if (conn->input == INPUT_READ && !conn->backlog && conn_is_writable(conn))
        input_finish(session);
    if ((conn->readable || conn->backlog) && conn_is_writable(conn) && !session_is_paused(session))
        conn_schedule_input(conn);
    conn_count_inbox(conn);
    conn_mark_dirty(conn);
}

/* ---- Output ----------------------------------------------------------------------------------------------------- */

/* Resumes work that waited for room in the output. */
static void session_resume(struct session *session)
{
    struct conn *conn = &session->conn;
    struct pending *pending;

    while (conn_is_writable(conn) && (pending = TAILQ_FIRST(&session->done)))
        pending->answer(pending);
    if (!conn_is_writable(conn))
        return;
    session_resume_events(session);
    if (!session_is_paused(session) && (conn->readable || conn->backlog || conn->input == INPUT_READ))
        conn_schedule_input(conn);
}

/* A client that has hung up gets events as an owner only. */
static bool gets_more_events(struct session *session)
{
    return session_loop(session) && session->member.role == ROLE_OWNER &&
           loop_can_produce_events(session_loop(session));
}

/* Whether the session is done: no more input can come, and no more output. */
static bool session_is_done(struct session *session)
{
    const struct conn *conn = &session->conn;

    if (conn->state == CONN_ABORTED)
        return true;
    if (conn->out.length)
        return false;
    if (conn->state == CONN_CLOSING)
        return true;
    if (conn->input != INPUT_CONSUMED)
        return false;
    return conn->output_dead || (!session->pending_calls && !gets_more_events(session));
}

/* Detaches from the loop, and schedules the remaining work in pieces. */
static void session_begin_retirement(struct session *session)
{
    session->retired = true;
    conn_begin_close(&session->conn);
    if (TAILQ_EMPTY(&session->connects))
        attach_leave(session, NULL);
    conn_schedule_input(&session->conn);
}

/* Sends the output. Ends a session that is done. */
static void session_flush(struct task *task)
{
    struct session *session = container_of(task, struct session, conn.output_task);
    bool many = has_much_left(session) && !session->context->turn.stopping;

    PROBE2(flush, session->number, session->conn.out.length);
    if (session->conn.state != CONN_ABORTED)
        conn_send(&session->conn);
    if (!session_is_done(session))
        session_resume(session);
    else if (many)
        session_begin_retirement(session);
    else
        session_free(session);
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

int session_new(struct context *context, int fd, struct account *account)
{
    struct session *session = calloc(1, sizeof *session);
    struct loop *loop;
    int result = -ENOMEM;

    if (!session)
        return -ENOMEM;
    session->context = context;
    LIST_INIT(&session->batches);
    TAILQ_INIT(&session->connects);
    TAILQ_INIT(&session->done);
    loop = loop_new(&context->loops, account, NULL);
    if (loop)
        result = conn_init(&session->conn, &context->wire, fd, account, session_run, session_flush);
    if (result < 0) {
        loop_free(loop);
        free(session);
        return result;
    }
    session->number = ++context->session_number;
    if (log_is_debug())
        trace_opened(session);
    attach_enter(session, loop, ROLE_OWNER, 0);
    LIST_INSERT_HEAD(&context->sessions, session, entry);
    return 0;
}

/* Cancels the requests in progress, except a close_loop, which continues without the session. */
static void session_cancel_requests(struct session *session)
{
    if (session->pending_open)
        session->pending_open->cancel(session->pending_open, NULL);
    if (session->waiting_open)
        session->waiting_open->cancel(session->waiting_open, NULL);
    if (session->closes)
        attach_abandon_close(session);
    attach_forget(session);
    free(session->unfinished.text);
}

void session_free(struct session *session)
{
    struct batch *batch, *next;

    while (!attach_end_connects(session, NULL))
        ;
    session_cancel_requests(session);
    attach_leave(session, NULL);
    INVARIANT(TAILQ_EMPTY(&session->connects) && TAILQ_EMPTY(&session->done));
    INVARIANT(!session_loop(session) && !session->leaving && !session->closes && !session->pending_open);
    LIST_FOREACH_SAFE(batch, &session->batches, entry, next)
        batch_free(batch);
    LIST_REMOVE(session, entry);
    if (log_is_debug())
        trace_ended(session);
    conn_free(&session->conn);
}
