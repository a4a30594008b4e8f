/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/attach.h"

#include "daemon/base/invariant.h"
#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/batch.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "daemon/sessions/trace.h"
#include "proto/reply.h"

/* Streams closed, or connects ended, before the clock is read: each takes some microseconds. */
#define STREAMS_PER_LOOK  16
#define CONNECTS_PER_LOOK 4

/* Tells the client that another session has taken the loop over. */
static void notify_detached(struct session *session, const struct loop *loop)
{
    if (session->conn.state != CONN_SERVING) /* its last line is written */
        return;
    notify_loop_detached(&session->conn.out, loop->name, "takeover");
    conn_end_line(&session->conn);
}

/* ---- Connects --------------------------------------------------------------------------------------------------- */

bool attach_end_connects(struct session *session, const struct fault *fault)
{
    struct pending *pending;

    for (uint32_t done = 1; (pending = TAILQ_FIRST(&session->connects)); done++) {
        pending->cancel(pending, fault);
        if (done % CONNECTS_PER_LOOK == 0 && turn_piece_is_over(&session->context->turn))
            break;
    }
    return TAILQ_EMPTY(&session->connects);
}

/* ---- Leaving ---------------------------------------------------------------------------------------------------- */

/* Unlinks the session and the loop. The new epoch marks pending readiness as possibly out of date. */
static void attach_unlink(struct loop *loop)
{
    struct session *session = loop->session;

    if (!session)
        return;
    INVARIANT(session->loop == loop && (!loop->poll || loop->leaver == session));
    if (log_is_debug())
        trace_left(session, loop);
    batches_unblock_streams(session);
    session->loop = NULL;
    loop->session = NULL;
    loop->blocked_by_batch = 0;
    loop->epoch++;
    loop_dequeue(loop);
}

static void attach_end_poll(struct loop *loop, const struct fault *fault)
{
    if (loop->poll)
        loop->poll->cancel(loop->poll, fault);
}

void attach_detach(struct loop *loop, const struct fault *fault)
{
    attach_end_poll(loop, fault);
    attach_unlink(loop);
}

void attach_leave(struct session *session, const struct fault *fault)
{
    struct context *context = session->context;
    struct loop *loop = session->loop;

    if (!loop)
        return;
    attach_detach(loop, fault);
    if (loop_is_named(loop))
        attach_linger(context, loop);
    else
        attach_close(context, loop);
}

void attach_end_calls(struct session *session, const struct fault *fault)
{
    while (!attach_end_connects(session, fault))
        ;
    if (session->loop)
        attach_end_poll(session->loop, fault);
    if (session->pending_open)
        session->pending_open->cancel(session->pending_open, fault);
    if (session->leaving)
        attach_end_poll(session->leaving, fault);
    if (session->leaving && !session->leaving->closing)
        notify_detached(session, session->leaving);
    attach_forget(session);
}

/* ---- Being put out ---------------------------------------------------------------------------------------------- */

static void set_leave_fault(const struct loop *loop, struct fault *ret_fault)
{
    fault_set(ret_fault, FAULT_LOOP_CLOSED,
              loop->closing ? "the loop was closed" : "another session has taken the loop over");
}

void attach_forget(struct session *session)
{
    task_cancel(&session->leave_task);
    if (!session->leaving)
        return;
    INVARIANT(session->leaving->leaver == session && TAILQ_EMPTY(&session->connects));
    attach_end_poll(session->leaving, NULL);
    session->leaving->leaver = NULL;
    session->leaving = NULL;
}

static void attach_leave_piece(struct session *session, struct loop *loop)
{
    struct fault fault;

    set_leave_fault(loop, &fault);
    if (!attach_end_connects(session, &fault)) {
        task_add(&session->leave_task);
        return;
    }
    attach_end_poll(loop, &fault);
    if (!loop->closing)
        notify_detached(session, loop);
    attach_forget(session);
}

static void attach_run_leave(struct task *task)
{
    struct session *session = container_of(task, struct session, leave_task);

    if (session->leaving)
        attach_leave_piece(session, session->leaving);
}

static void attach_begin_leave(struct loop *loop)
{
    struct session *session = loop->session;

    INVARIANT(session && !loop->leaver && !session->leaving);
    loop->leaver = session;
    session->leaving = loop;
    attach_unlink(loop);
    session->leave_task =
        (struct task){.run = attach_run_leave, .share = &session->conn.account->share, .stage = STAGE_RUN};
    attach_leave_piece(session, loop);
}

void attach_evict(struct loop *loop)
{
    attach_begin_leave(loop);
}

/* ---- Closing ---------------------------------------------------------------------------------------------------- */

/* Closes streams until the piece is over. True: no streams are left. */
static bool attach_close_streams(struct context *context, struct loop *loop)
{
    struct stream *stream;

    for (uint32_t done = 1; (stream = loop_next(loop, NULL)); done++) {
        stream_deregister(&context->turn.reactor, stream);
        if (done % STREAMS_PER_LOOK == 0 && turn_piece_is_over(&context->turn))
            break;
    }
    return loop->count == 0;
}

static void attach_answer_closed(struct loop *loop)
{
    struct session *session = loop->closed_by;
    struct call call;

    if (!session)
        return;
    INVARIANT(session->closes == loop);
    call = session->close_call;
    session->closes = NULL;
    answer_empty(&call);
    session_resume_input(session);
}

static void attach_finish_close(struct context *context, struct loop *loop)
{
    struct account *account = loop->account;
    bool named = loop_is_named(loop);

    INVARIANT(loop->closing && !loop->leaver);
    LIST_REMOVE(loop, closing_link);
    task_cancel(&loop->close_task);
    persist_loop_gone(loop);
    attach_answer_closed(loop);
    loop_free(loop);
    accounts_remove_closing(&context->accounts, account);
    if (named)
        accounts_remove_loop(&context->accounts, account);
}

static void attach_close_piece(struct task *task)
{
    struct loop *loop = container_of(task, struct loop, close_task);
    struct context *context = container_of(loop->loops, struct context, loops);

    if (!loop->leaver && attach_close_streams(context, loop))
        attach_finish_close(context, loop);
    else
        task_add(task);
}

static void attach_begin_close(struct context *context, struct loop *loop)
{
    INVARIANT(!loop->closing && !loop->reserved);
    timer_stop(&context->turn.reactor.timers, &loop->linger);
    loop->closing = true;
    loop->close_task = (struct task){.run = attach_close_piece, .share = &loop->account->share, .stage = STAGE_RUN};
    accounts_add_closing(&context->accounts, loop->account);
    LIST_INSERT_HEAD(&context->loops.closing, loop, closing_link);
}

void attach_close(struct context *context, struct loop *loop)
{
    INVARIANT(!loop->session);
    attach_begin_close(context, loop);
    attach_close_piece(&loop->close_task);
}

void attach_close_for(struct context *context, struct call *call)
{
    struct session *session = call->session;
    struct loop *loop = session->loop;

    if (call_keep(call, &session->close_call) < 0) {
        answer_out_of_memory(call);
        return;
    }
    loop->closed_by = session;
    session->closes = loop;
    attach_begin_close(context, loop);
    attach_begin_leave(loop);
    attach_close_piece(&loop->close_task);
}

void attach_abandon_close(struct session *session)
{
    struct loop *loop = session->closes;

    INVARIANT(loop->closing && loop->closed_by == session);
    session->closes = NULL;
    loop->closed_by = NULL;
    call_drop(&session->close_call);
}

void attach_finish_closing(struct context *context)
{
    struct loop *loop;

    while ((loop = LIST_FIRST(&context->loops.closing)))
        attach_close_piece(&loop->close_task);
}

void attach_close_all(struct context *context)
{
    struct loop *loop;

    while ((loop = loops_after(&context->loops, NULL)))
        attach_close(context, loop);
}

/* ---- Lingering -------------------------------------------------------------------------------------------------- */

static void attach_linger_expired(struct timer *timer)
{
    struct loop *loop = container_of(timer, struct loop, linger);

    attach_close(container_of(loop->loops, struct context, loops), loop);
}

/* The loop's own time may exceed the limit: the limit was lowered, or the loop was restored from a ledger. */
void attach_linger(struct context *context, struct loop *loop)
{
    INVARIANT(loop_is_named(loop) && !loop->session && !loop->closing && !loop->reserved);
    if (loop->linger_ms > context->turn.limits->linger_ms)
        loop->linger_ms = context->turn.limits->linger_ms;
    if (loop->linger_ms)
        timer_start(&context->turn.reactor.timers, &loop->linger, loop->linger_ms, attach_linger_expired);
    else
        attach_close(context, loop);
}

/* ---- Entering --------------------------------------------------------------------------------------------------- */

void attach_enter(struct session *session, struct loop *loop)
{
    INVARIANT(!session->loop && !session->leaving && !session->closes);
    INVARIANT(!loop->session && !loop->leaver && !loop->poll && !loop->closing && !loop->reserved);
    INVARIANT(!loop->linger.running);
    loop->session = session;
    loop->min_live_token = 0;
    session->loop = loop;
    if (log_is_debug())
        trace_entered(session, loop);
    loop_enqueue_if_ready(loop);
}
