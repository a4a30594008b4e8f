/* SPDX-License-Identifier: MIT */
#include "daemon/methods/pending_open.h"

#include "daemon/base/invariant.h"
#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/batch.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <stdlib.h>
#include <string.h>

/* Streams rearmed between two readings of the clock. */
#define STREAMS_PER_LOOK 16

/* Length of a chain of ending sessions, each pending on the loop of the next. */
#define CHAIN_MAX 16

struct pending_open {
    struct pending base;
    struct task task;
    struct context *context;
    struct call call;
    struct loop *loop;       /* reserved for the session, not attached yet; NULL: none */
    struct session *session; /* the session of the call */
    bool left;               /* the session is detached from the old loop, and `loop` is set up */
    bool begun;              /* streams up to `cursor` are rearmed */
    uint64_t cursor;
    bool created;
    bool takeover;
    bool has_delivery, has_linger;
    uint8_t delivery;
    uint64_t linger_ms;
    char name[NAME_MAX_BYTES + 1]; /* "": an anonymous loop */
};

/* ---- Finding ---------------------------------------------------------------------------------------------------- */

static struct loop *pending_open_find(const struct pending_open *pending)
{
    return pending->name[0] ? loops_find(&pending->context->loops, pending->name, pending->session->conn.account->uid)
                            : NULL;
}

static const struct pending_open *pending_open_of(const struct session *session)
{
    return session->pending_open ? container_of(session->pending_open, struct pending_open, base) : NULL;
}

/* Whether the session waits for `waiter`, through a chain of pending open_loops of ending sessions. */
static bool waits_for(const struct session *session, const struct session *waiter)
{
    for (int i = 0; session && i < CHAIN_MAX; i++) {
        const struct pending_open *pending = pending_open_of(session);
        const struct loop *loop = pending && !pending->loop ? pending_open_find(pending) : NULL;

        if (session == waiter)
            return true;
        session = loop ? loop->session : NULL;
    }
    return session != NULL;
}

/*
 * Whether the loop is about to be free: closing, reserved, or attached to a session whose client hung up. A client that
 * reconnects after its old connection was closed must not get LOOP_BUSY for its own loop.
 */
static bool will_be_free(const struct pending_open *pending, const struct loop *loop)
{
    if (loop->closing || loop->reserved)
        return true;
    return loop->session && loop->session != pending->session && !waits_for(loop->session, pending->session) &&
           session_is_ending(loop->session);
}

/* ---- Reserving the loop ----------------------------------------------------------------------------------------- */

/* Makes a loop without a session. NULL: the call is answered with a fault. */
static struct loop *pending_open_create(struct pending_open *pending)
{
    struct context *context = pending->context;
    struct account *account = pending->session->conn.account;
    const char *name = pending->name[0] ? pending->name : NULL;
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

/* False: the call is answered with LIMIT_EXCEEDED. */
static bool check_linger(struct pending_open *pending)
{
    uint32_t max = pending->session->conn.limits->linger_ms;
    struct fault fault;

    if (!pending->has_linger || pending->linger_ms <= max)
        return true;
    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "linger_ms", max, "a loop may linger for at most %u ms", max);
    call_fault(&pending->call, &fault);
    return false;
}

/* False: the call is answered with a fault. */
static bool pending_open_reserve(struct pending_open *pending, struct loop *loop)
{
    struct session *session = pending->session;

    if (session->loop && session->loop->count) {
        answer_fault(&pending->call, FAULT_LOOP_OPEN,
                     "this session's loop has registrations; close_loop first, or use another");
        return false;
    }
    if (!check_linger(pending))
        return false;
    if (loop && loop->session && loop->session != session) {
        if (!pending->takeover) {
            answer_fault(&pending->call, FAULT_LOOP_BUSY, "another session is in this loop; see takeover");
            return false;
        }
        attach_evict(loop); /* the evicted session has no loop, as after close_loop */
    }
    if (!loop)
        loop = pending_open_create(pending);
    if (!loop)
        return false;
    INVARIANT(!loop->reserved && !loop->closing);
    timer_stop(&pending->context->turn.reactor.timers, &loop->linger);
    loop->reserved = true;
    pending->loop = loop;
    return true;
}

/* ---- Entering --------------------------------------------------------------------------------------------------- */

/* Detaches the session from its old loop at once: the old loop has no registrations. */
static void leave_old_loop(struct pending_open *pending)
{
    struct session *session = pending->session;
    struct fault fault;

    pending->left = true;
    fault_set(&fault, FAULT_LOOP_CLOSED, "this session has opened another loop");
    if (session->loop != pending->loop)
        attach_leave(session, &fault);
    else
        attach_detach(pending->loop, &fault);
}

/* Rearms every stream, to report current readiness. False: more streams are left for the next piece. */
static bool pending_open_rearm(struct pending_open *pending)
{
    struct context *context = pending->context;
    struct stream *stream = loop_next(pending->loop, pending->begun ? &pending->cursor : NULL);

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

    if (pending->has_delivery)
        loop->delivery = pending->delivery;
    if (pending->has_linger)
        loop->linger_ms = pending->linger_ms;
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
        loop->blocked_by_batch = call->batch->serial;
    reply_opened(call_begin(call), call->id, loop_name(loop), pending->created, loop->delivery, loop->count);
    INVARIANT(loop->reserved);
    loop->reserved = false;
    pending->loop = NULL;
    attach_enter(pending->session, loop);
    call_end(call);
}

/* Runs one piece. True: the call is answered. */
static bool pending_open_step(struct pending_open *pending)
{
    if (!pending->loop) {
        struct loop *loop = pending_open_find(pending);

        if (loop && will_be_free(pending, loop))
            return false;
        if (!pending_open_reserve(pending, loop))
            return true;
    }
    if (pending->loop->leaver || pending->session->leaving)
        return false; /* the calls of an evicted session end first: a session is the leaver of one loop at most */
    if (!pending->left) {
        leave_old_loop(pending);
        pending_open_set_up(pending);
    }
    if (!pending_open_rearm(pending))
        return false;
    pending_open_enter(pending);
    return true;
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

static void pending_open_end(struct pending_open *pending)
{
    struct session *session = pending->session;

    INVARIANT(session->pending_open == &pending->base);
    task_cancel(&pending->task);
    session->pending_open = NULL;
    free(pending);
    session_resume_input(session);
}

/* A reserved named loop lingers. */
static void pending_open_cancel(struct pending *base, const struct fault *fault)
{
    struct pending_open *pending = container_of(base, struct pending_open, base);
    struct context *context = pending->context;
    struct loop *loop = pending->loop;

    INVARIANT(pending->session->pending_open == &pending->base && (!loop || loop->reserved));
    task_cancel(&pending->task);
    if (fault)
        call_fault(&pending->call, fault);
    else
        call_drop(&pending->call);
    pending->session->pending_open = NULL;
    free(pending);
    if (!loop)
        return;
    loop->reserved = false;
    if (loop_is_named(loop))
        attach_linger(context, loop);
    else
        loop_free(loop);
}

static void pending_open_run(struct task *task)
{
    struct pending_open *pending = container_of(task, struct pending_open, task);

    if (pending_open_step(pending))
        pending_open_end(pending);
    else
        task_add(task);
}

static void pending_open_init(struct pending_open *pending, struct context *context, const struct call *call,
                              const struct params *params)
{
    *pending = (struct pending_open){
        .base.cancel = pending_open_cancel,
        .task = {.run = pending_open_run, .share = &call->session->conn.account->share, .stage = STAGE_RUN},
        .context = context,
        .call = *call,
        .session = call->session,
        .takeover = params->takeover,
        .has_delivery = params_given(METHOD_OPEN_LOOP, params, offsetof(struct params, delivery)),
        .has_linger = params_given(METHOD_OPEN_LOOP, params, offsetof(struct params, linger_ms)),
        .delivery = params->delivery,
        .linger_ms = params->linger_ms,
    };
    if (params->name.data)
        memcpy(pending->name, params->name.data, params->name.length);
}

void pending_open_begin(struct context *context, struct call *call, const struct params *params)
{
    struct pending_open *pending = malloc(sizeof *pending);

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
