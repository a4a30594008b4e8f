/* SPDX-License-Identifier: MIT */
#include "daemon/methods/pending_open.h"

#include "daemon/base/invariant.h"
#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/methods/open_check.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/batch.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <stdlib.h>

/* Streams rearmed, or workers evicted, between two readings of the clock. */
#define STREAMS_PER_LOOK 16
#define WORKERS_PER_LOOK 2

/* Length of a chain of ending sessions, each pending on the loop of the next. */
#define CHAIN_MAX 16

struct pending_open {
    struct pending base;
    struct task task;
    struct loop_waiter waiter; /* among the waiters of the loop, while session->waiting_open is this call */
    struct timer patience;     /* ends the waiting */
    struct context *context;
    struct call call;
    struct open_request request;
    struct loop *loop; /* reserved for the session, not attached yet; NULL: none */
    bool created;
    bool is_ready; /* the session has left the old loop, and `loop` is set up */
    bool begun;    /* streams up to `cursor` are rearmed */
    uint64_t cursor;
};

/* ---- Finding ---------------------------------------------------------------------------------------------------- */

static struct loop *pending_open_find(const struct pending_open *pending)
{
    return pending->request.name[0] ? loops_find(&pending->context->loops, pending->request.name,
                                                 pending->request.session->conn.account->uid)
                                    : NULL;
}

static const struct pending_open *pending_open_of(const struct session *session)
{
    return session->pending_open ? container_of(session->pending_open, struct pending_open, base) : NULL;
}

/* Whether the session waits for `waiter`, through a chain of open_loops in progress of ending sessions. */
static bool waits_for(const struct session *session, const struct session *waiter)
{
    for (int i = 0; session && i < CHAIN_MAX; i++) {
        const struct pending_open *pending = pending_open_of(session);
        const struct loop *loop = pending && !pending->loop ? pending_open_find(pending) : NULL;

        if (session == waiter)
            return true;
        session = loop ? open_next_rival(&pending->request, loop, NULL) : NULL;
    }
    return session != NULL;
}

/* Whether the client of every rival has hung up. A client that reconnects after its old connection was closed must not
 * get LOOP_BUSY for its own loop. */
static bool rivals_are_ending(const struct pending_open *pending, const struct loop *loop)
{
    struct session *rival = open_next_rival(&pending->request, loop, NULL);

    if (!rival)
        return false;
    for (; rival; rival = open_next_rival(&pending->request, loop, rival))
        if (waits_for(rival, pending->request.session) || !session_is_ending(rival))
            return false;
    return true;
}

/* Whether the loop is about to be free. A guest does not wait for the owner or worker that is about to enter. */
static bool will_be_free(const struct pending_open *pending, const struct loop *loop)
{
    return loop->closing || (loop->reserved && pending->request.role != ROLE_GUEST) || rivals_are_ending(pending, loop);
}

/* ---- Reserving the loop ----------------------------------------------------------------------------------------- */

/* Makes a loop without a session. NULL: the call is answered with a fault. */
static struct loop *pending_open_create(struct pending_open *pending)
{
    struct context *context = pending->context;
    struct account *account = pending->request.session->conn.account;
    const char *name = pending->request.name[0] ? pending->request.name : NULL;
    struct loop *loop;
    struct fault fault;

    if (name && accounts_add_loop(&context->accounts, account, &fault) < 0) {
        call_fault(&pending->call, &fault);
        return NULL;
    }
    loop = loop_new(&context->loops, account, name);
    if (!loop && name)
        accounts_remove_loop(&context->accounts, account);
    if (!loop)
        answer_out_of_memory(&pending->call);
    pending->created = true;
    return loop;
}

/* False: the call is answered with a fault. */
static bool pending_open_reserve(struct pending_open *pending, struct loop *loop, bool is_busy)
{
    if (!open_check(&pending->request, &pending->call, loop, is_busy))
        return false;
    if (!loop)
        loop = pending_open_create(pending);
    if (!loop)
        return false;
    INVARIANT(!loop->closing && (!loop->reserved || pending->request.role == ROLE_GUEST));
    timer_stop(&pending->context->turn.reactor.timers, &loop->linger);
    loop->entrant_count++;
    if (pending->request.role != ROLE_GUEST)
        loop->reserved = true;
    loop->worker_enters |= pending->request.role == ROLE_WORKER;
    pending->loop = loop;
    return true;
}

/* The session is no longer about to enter the loop. */
static void pending_open_unreserve(struct pending_open *pending)
{
    struct loop *loop = pending->loop;

    INVARIANT(loop->entrant_count > 0 && (loop->reserved || pending->request.role == ROLE_GUEST));
    loop->entrant_count--;
    if (pending->request.role != ROLE_GUEST)
        loop->reserved = loop->worker_enters = false;
    pending->loop = NULL;
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

static void pending_open_wake(struct loop_waiter *waiter)
{
    task_add(&container_of(waiter, struct pending_open, waiter)->task);
}

static void pending_open_expired(struct timer *timer)
{
    struct pending_open *pending = container_of(timer, struct pending_open, patience);
    struct fault fault;

    fault_set(&fault, FAULT_LOOP_BUSY, "the loop was busy for wait_ms = %llu ms",
              (unsigned long long)pending->request.wait_ms);
    pending->base.cancel(&pending->base, &fault);
}

/* Waits among the loop's waiters, in the order of asking. Requests of the session are dispatched meanwhile. */
static void pending_open_wait(struct pending_open *pending, struct loop *loop)
{
    struct session *session = pending->request.session;

    if (!pending->waiter.loop)
        loop_add_waiter(loop, &pending->waiter);
    if (session->waiting_open)
        return;
    session->pending_open = NULL;
    session->waiting_open = &pending->base;
    timer_start(&pending->context->turn.reactor.timers, &pending->patience, pending->request.wait_ms,
                pending_open_expired);
    session_resume_input(session);
}

/* The call no longer waits; it is in progress, and requests of the session are dispatched after its answer. */
static void pending_open_stop_waiting(struct pending_open *pending)
{
    struct session *session = pending->request.session;

    if (!session->waiting_open)
        return;
    timer_stop(&pending->context->turn.reactor.timers, &pending->patience);
    loop_remove_waiter(&pending->waiter);
    session->waiting_open = NULL;
    session->pending_open = &pending->base;
}

static bool may_wait(const struct pending_open *pending)
{
    return pending->request.wait_ms && pending->request.session->conn.input != INPUT_CONSUMED;
}

/* ---- Entering --------------------------------------------------------------------------------------------------- */

/* Evicts the members that a takeover puts out. False: more are left for the next piece. */
static bool pending_open_evict(struct pending_open *pending)
{
    struct session *rival;

    for (uint32_t done = 1; (rival = open_next_rival(&pending->request, pending->loop, NULL)); done++) {
        attach_evict(rival);
        if (done % WORKERS_PER_LOOK == 0 && turn_piece_is_over(&pending->context->turn))
            break;
    }
    return !open_next_rival(&pending->request, pending->loop, NULL) && !pending->loop->leaver_count;
}

/* Detaches the session from its old loop. A guest or worker may have connects. False: more are left for the next piece.
 */
static bool leave_old_loop(struct pending_open *pending)
{
    struct session *session = pending->request.session;
    struct fault fault;

    fault_set(&fault, FAULT_LOOP_CLOSED, "this session has opened another loop");
    if (session->leaving || !attach_end_connects(session, &fault))
        return false;
    if (session_loop(session) != pending->loop)
        attach_leave(session, &fault);
    else
        attach_detach(session, &fault);
    return true;
}

/* Rearms every stream for an owner or the first worker, to report current readiness. False: more streams are left for
 * the next piece. */
static bool pending_open_rearm(struct pending_open *pending)
{
    struct context *context = pending->context;
    struct stream *stream;

    if (member_next_consumer(pending->loop, NULL) || pending->request.role == ROLE_GUEST)
        return true;
    stream = loop_next(pending->loop, pending->begun ? &pending->cursor : NULL);

    for (uint32_t done = 1; stream; done++) {
        pending->begun = true;
        pending->cursor = stream->token;
        stream_reattach(&context->turn.reactor, stream);
        stream = loop_next_stream(stream);
        if (stream && done % STREAMS_PER_LOOK == 0 && turn_piece_is_over(&context->turn))
            return false;
    }
    return true;
}

/* Applies delivery and linger; an absent parameter keeps the current value. An anonymous loop never lingers. */
static void pending_open_set_up(struct pending_open *pending)
{
    struct loop *loop = pending->loop;

    if (pending->request.has_delivery)
        loop->delivery = pending->request.delivery;
    if (pending->request.has_linger)
        loop->linger_ms = pending->request.linger_ms;
    if (pending->created)
        persist_loop_added(loop);
    else
        persist_loop_changed(loop);
}

static void pending_open_enter(struct pending_open *pending)
{
    struct loop *loop = pending->loop;
    struct call *call = &pending->call;

    if (call->batch)
        pending->request.session->member.blocked_by_batch = call->batch->serial;
    reply_opened(call_begin(call), call->id, loop_name(loop), pending->created, loop->delivery, loop->count);
    pending_open_unreserve(pending);
    attach_enter(pending->request.session, loop, (enum role)pending->request.role, pending->request.prefetch);
    call_end(call);
    loop_wake_waiter(loop);
}

/* What a step has achieved. */
enum progress {
    PROGRESS_MORE,     /* the next piece follows */
    PROGRESS_WAITS,    /* the call waits for the loop */
    PROGRESS_ANSWERED, /* the call is answered */
};

static enum progress pending_open_look(struct pending_open *pending)
{
    struct loop *loop = pending_open_find(pending);
    bool is_busy;

    if (loop && will_be_free(pending, loop))
        return PROGRESS_MORE;
    is_busy = loop && open_is_busy(&pending->request, loop, &pending->waiter);
    if (is_busy && may_wait(pending)) {
        pending_open_wait(pending, loop);
        return PROGRESS_WAITS;
    }
    if (pending->request.session->closes)
        return PROGRESS_MORE;
    pending_open_stop_waiting(pending);
    if (pending_open_reserve(pending, loop, is_busy))
        return PROGRESS_MORE;
    if (loop) /* the next one may enter */
        loop_wake_waiter(loop);
    return PROGRESS_ANSWERED;
}

/* Another member has closed the loop meanwhile: begins again, with a loop of the same name. */
static void pending_open_restart(struct pending_open *pending)
{
    pending_open_unreserve(pending);
    pending->is_ready = pending->begun = pending->created = false;
}

/* Enters the reserved loop, piece by piece. */
static enum progress pending_open_proceed(struct pending_open *pending)
{
    if (!pending->is_ready) {
        if (!pending_open_evict(pending) || !leave_old_loop(pending))
            return PROGRESS_MORE;
        pending_open_set_up(pending);
        pending->is_ready = true;
    }
    if (!pending_open_rearm(pending))
        return PROGRESS_MORE;
    pending_open_enter(pending);
    return PROGRESS_ANSWERED;
}

/* Runs one piece. */
static enum progress pending_open_step(struct pending_open *pending)
{
    if (pending->loop && pending->loop->closing)
        pending_open_restart(pending);
    if (!pending->loop) {
        enum progress progress = pending_open_look(pending);

        if (!pending->loop)
            return progress;
    }
    return pending_open_proceed(pending);
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

static void pending_open_end(struct pending_open *pending)
{
    struct session *session = pending->request.session;

    INVARIANT(session->pending_open == &pending->base);
    task_cancel(&pending->task);
    session->pending_open = NULL;
    free(pending);
    session_resume_input(session);
}

/* Gives up the reserved loop: without members, a named loop lingers. */
static void release_loop(struct context *context, struct loop *loop)
{
    loop_wake_waiter(loop);
    if (loop->closing || loop_is_used(loop))
        return;
    if (loop_is_named(loop))
        attach_linger(context, loop);
    else
        loop_free(loop);
}

static void pending_open_cancel(struct pending *base, const struct fault *fault)
{
    struct pending_open *pending = container_of(base, struct pending_open, base);
    struct context *context = pending->context;
    struct loop *loop = pending->loop, *waited_for = pending->waiter.loop;

    pending_open_stop_waiting(pending);
    task_cancel(&pending->task);
    if (fault)
        call_fault(&pending->call, fault);
    else
        call_drop(&pending->call);
    if (loop)
        pending_open_unreserve(pending);
    pending->request.session->pending_open = NULL;
    free(pending);
    if (waited_for)
        loop_wake_waiter(waited_for);
    if (loop)
        release_loop(context, loop);
}

static void pending_open_run(struct task *task)
{
    struct pending_open *pending = container_of(task, struct pending_open, task);

    switch (pending_open_step(pending)) {
    case PROGRESS_MORE:
        task_add(task);
        break;
    case PROGRESS_WAITS:
        break;
    case PROGRESS_ANSWERED:
        pending_open_end(pending);
        break;
    }
}

static void pending_open_init(struct pending_open *pending, struct context *context, const struct call *call,
                              const struct params *params)
{
    *pending = (struct pending_open){
        .base = {.call = &pending->call, .cancel = pending_open_cancel},
        .waiter = {.wake = pending_open_wake, .member = &call->session->member},
        .task = {.run = pending_open_run, .share = &call->session->conn.account->share, .stage = STAGE_RUN},
        .context = context,
        .call = *call,
    };
    open_request_init(&pending->request, call->session, params);
}

void pending_open_begin(struct context *context, struct call *call, const struct params *params)
{
    struct pending_open *pending;

    if (!open_check_params(call, params))
        return;
    pending = malloc(sizeof *pending);
    if (!pending) {
        answer_out_of_memory(call);
        return;
    }
    pending_open_init(pending, context, call, params);
    if (call_keep(call, &pending->call) < 0) {
        free(pending);
        answer_out_of_memory(call);
        return;
    }
    INVARIANT(!call->session->pending_open);
    call->session->pending_open = &pending->base;
    pending_open_run(&pending->task);
}
