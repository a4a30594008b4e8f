/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/attach.h"

#include "daemon/base/invariant.h"
#include "daemon/loops/lease.h"
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

/* Tells the client why the session is no longer in the loop. The caller of close_loop gets a reply instead. */
static void notify_left(struct session *session, const struct loop *loop)
{
    if (session->conn.state != CONN_SERVING) /* its last line is written */
        return;
    if (session->closes == loop)
        return;
    if (loop->closing)
        notify_loop_closed(&session->conn.out, loop_name(loop), "closed");
    else
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

static void attach_unlink(struct session *session)
{
    struct loop *loop = session_loop(session);

    if (!loop)
        return;
    INVARIANT(!session->member.poll || session->leaving == loop);
    if (log_is_debug())
        trace_left(session);
    batches_unblock_streams(session);
    lease_abandon_all(&session->member, &session->context->turn.reactor);
    member_leave(&session->member);
    loop_wake_waiter(loop);
}

static void attach_end_poll(struct session *session, const struct fault *fault)
{
    struct pending *poll = session->member.poll;

    if (poll)
        poll->cancel(poll, fault);
}

void attach_detach(struct session *session, const struct fault *fault)
{
    attach_end_poll(session, fault);
    attach_unlink(session);
}

void attach_leave(struct session *session, const struct fault *fault)
{
    struct context *context = session->context;
    struct loop *loop = session_loop(session);

    if (!loop)
        return;
    attach_detach(session, fault);
    if (loop_is_used(loop))
        return;
    if (loop_is_named(loop))
        attach_linger(context, loop);
    else
        attach_close(context, loop);
}

void attach_end_calls(struct session *session, const struct fault *fault)
{
    while (!attach_end_connects(session, fault))
        ;
    attach_end_poll(session, fault);
    if (session->pending_open)
        session->pending_open->cancel(session->pending_open, fault);
    if (session->waiting_open)
        session->waiting_open->cancel(session->waiting_open, fault);
    if (session->leaving)
        notify_left(session, session->leaving);
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
    struct loop *loop = session->leaving;

    task_cancel(&session->leave_task);
    if (!loop)
        return;
    attach_end_poll(session, NULL);
    INVARIANT(loop->leaver_count > 0 && TAILQ_EMPTY(&session->connects));
    loop->leaver_count--;
    session->leaving = NULL;
}

static void attach_leave_piece(struct session *session)
{
    struct loop *loop = session->leaving;
    struct fault fault;

    set_leave_fault(loop, &fault);
    if (!attach_end_connects(session, &fault)) {
        task_add(&session->leave_task);
        return;
    }
    attach_end_poll(session, &fault);
    notify_left(session, loop);
    attach_forget(session);
}

static void attach_run_leave(struct task *task)
{
    struct session *session = container_of(task, struct session, leave_task);

    if (session->leaving)
        attach_leave_piece(session);
}

/* The session is out of the loop at once. Its calls end in pieces. */
static void attach_begin_leave(struct session *session)
{
    struct loop *loop = session_loop(session);

    INVARIANT(loop && !session->leaving);
    loop->leaver_count++;
    session->leaving = loop;
    attach_unlink(session);
    session->leave_task =
        (struct task){.run = attach_run_leave, .share = &session->conn.account->share, .stage = STAGE_RUN};
    attach_leave_piece(session);
}

void attach_evict(struct session *session)
{
    attach_begin_leave(session);
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

    INVARIANT(loop->closing && !loop_is_used(loop) && !loop->reserved && !loop->leaver_count);
    LIST_REMOVE(loop, closing_link);
    task_cancel(&loop->close_task);
    persist_loop_gone(loop);
    attach_answer_closed(loop);
    loop_dismiss_waiters(loop);
    loop_free(loop);
    accounts_remove_closing(&context->accounts, account);
    if (named)
        accounts_remove_loop(&context->accounts, account);
}

static void attach_close_piece(struct task *task)
{
    struct loop *loop = container_of(task, struct loop, close_task);
    struct context *context = container_of(loop->loops, struct context, loops);

    if (!loop->leaver_count && !loop->entrant_count && attach_close_streams(context, loop))
        attach_finish_close(context, loop);
    else
        task_add(task);
}

static void attach_begin_close(struct context *context, struct loop *loop)
{
    INVARIANT(!loop->closing);
    timer_stop(&context->turn.reactor.timers, &loop->linger);
    loop->closing = true;
    loop->close_task = (struct task){.run = attach_close_piece, .share = &loop->account->share, .stage = STAGE_RUN};
    accounts_add_closing(&context->accounts, loop->account);
    LIST_INSERT_HEAD(&context->loops.closing, loop, closing_link);
}

void attach_close(struct context *context, struct loop *loop)
{
    INVARIANT(!loop_is_used(loop) && !loop->reserved);
    attach_begin_close(context, loop);
    attach_close_piece(&loop->close_task);
}

void attach_close_for(struct context *context, struct call *call)
{
    struct session *session = call->session;
    struct loop *loop = session_loop(session);
    struct member *member;

    if (call_keep(call, &session->close_call) < 0) {
        answer_out_of_memory(call);
        return;
    }
    loop->closed_by = session;
    session->closes = loop;
    if (loop_is_named(loop))
        expired_forget(&context->loops.expired, loop->name, loop->account->uid);
    attach_begin_close(context, loop);
    while ((member = TAILQ_FIRST(&loop->members)))
        attach_begin_leave(session_of_member(member));
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

static void attach_expire(struct context *context, struct loop *loop)
{
    expired_add(&context->loops.expired, loop->name, loop->account->uid,
                context->turn.reactor.timers.now_ns / NS_PER_MS);
    attach_close(context, loop);
}

static void attach_linger_expired(struct timer *timer)
{
    struct loop *loop = container_of(timer, struct loop, linger);

    attach_expire(container_of(loop->loops, struct context, loops), loop);
}

/* The loop's own time may exceed the limit: the limit was lowered, or the loop was restored from a ledger. */
void attach_linger(struct context *context, struct loop *loop)
{
    INVARIANT(loop_is_named(loop) && !loop_is_used(loop) && !loop->closing);
    if (loop->linger_ms > context->turn.limits->linger_ms)
        loop->linger_ms = context->turn.limits->linger_ms;
    if (loop->linger_ms)
        timer_start(&context->turn.reactor.timers, &loop->linger, loop->linger_ms, attach_linger_expired);
    else
        attach_expire(context, loop);
}

/* ---- Entering --------------------------------------------------------------------------------------------------- */

void attach_enter(struct session *session, struct loop *loop, enum role role, uint16_t prefetch)
{
    struct member *member = &session->member;

    INVARIANT(!session->leaving && !session->closes && !loop->closing && !loop->linger.running);
    member->is_receptive = conn_is_writable(&session->conn) && session->conn.input == INPUT_OPEN;
    member_enter(member, loop, role, prefetch);
    if (role == ROLE_OWNER)
        loop->min_live_token = 0;
    if (log_is_debug())
        trace_entered(session);
    loop_enqueue_if_ready(loop);
}
