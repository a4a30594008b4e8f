/* SPDX-License-Identifier: MIT */
#include "daemon/methods/pending_open.h"

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

/* Streams armed again before the clock is read. */
#define STREAMS_PER_LOOK 16

/* How many sessions that are ending may wait for each other's loops. */
#define CHAIN_MAX 16

struct pending_open {
    struct pending pending;
    struct task task;
    struct context *context;
    struct call call;
    struct loop *loop;       /* reserved for this session, which is not in it yet; NULL: none is */
    struct session *session; /* who asks */
    bool left;               /* the session has left the loop that it had, and set this one up */
    bool begun;              /* the stream of `cursor` and those before are armed again */
    uint64_t cursor;
    bool created;
    bool takeover;
    bool has_delivery, has_linger;
    uint8_t delivery;
    uint64_t linger_ms;
    char name[NAME_MAX_BYTES + 1]; /* "": an anonymous loop */
};

/* ---- Finding ---------------------------------------------------------------------------------------------------- */

static struct loop *find(const struct pending_open *opening)
{
    return opening->name[0] ? loops_find(&opening->context->loops, opening->name, opening->session->conn.account->uid)
                            : NULL;
}

static const struct pending_open *opening_of(const struct session *session)
{
    return session->opening ? container_of(session->opening, struct pending_open, pending) : NULL;
}

/* Whether the session, by way of loops that ending sessions wait for, waits for `waiter`. */
static bool waits_for(const struct session *session, const struct session *waiter)
{
    for (int i = 0; session && i < CHAIN_MAX; i++) {
        const struct pending_open *opening = opening_of(session);
        const struct loop *loop = opening && !opening->loop ? find(opening) : NULL;

        if (session == waiter)
            return true;
        session = loop ? loop->session : NULL;
    }
    return session != NULL;
}

/*
 * Whether the loop is about to be free: it is being closed or entered, or its client is gone. A client that comes back
 * after the kernel has closed its old session is not to find its own loop busy.
 */
static bool will_be_free(const struct pending_open *opening, const struct loop *loop)
{
    if (loop->closing || loop->reserved)
        return true;
    return loop->session && loop->session != opening->session && !waits_for(loop->session, opening->session) &&
           session_is_ending(loop->session);
}

/* ---- Reserving the loop ----------------------------------------------------------------------------------------- */

/* A new loop that nobody is in; NULL: answered with why not. */
static struct loop *create(struct pending_open *opening)
{
    struct context *context = opening->context;
    struct account *account = opening->session->conn.account;
    const char *name = opening->name[0] ? opening->name : NULL;
    struct loop *loop;
    struct fault fault;

    if (name && accounts_add_loop(&context->accounts, account, &fault) < 0) {
        call_fault(&opening->call, &fault);
        return NULL;
    }
    loop = loop_new(&context->loops, account, name);
    if (!loop && name)
        accounts_remove_loop(&context->accounts, account);
    if (!loop)
        answer_out_of_memory(&opening->call);
    opening->created = true;
    return loop;
}

/* False: answered with LIMIT_EXCEEDED. */
static bool check_linger(struct pending_open *opening)
{
    uint32_t max = opening->session->conn.limits->linger_ms;
    struct fault fault;

    if (!opening->has_linger || opening->linger_ms <= max)
        return true;
    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "linger_ms", max, "a loop may linger for at most %u ms", max);
    call_fault(&opening->call, &fault);
    return false;
}

/* False: answered with why not. */
static bool reserve(struct pending_open *opening, struct loop *loop)
{
    struct session *session = opening->session;

    if (session->loop && session->loop->count) {
        answer_fault(&opening->call, FAULT_LOOP_OPEN,
                     "this session's loop has registrations; close_loop first, or use another");
        return false;
    }
    if (!check_linger(opening))
        return false;
    if (loop && loop->session && loop->session != session) {
        if (!opening->takeover) {
            answer_fault(&opening->call, FAULT_LOOP_BUSY, "another session is in this loop; see takeover");
            return false;
        }
        attach_evict(loop); /* the other session stands as after close_loop */
    }
    if (!loop)
        loop = create(opening);
    if (!loop)
        return false;
    timer_stop(&opening->context->turn.reactor.timers, &loop->linger);
    loop->reserved = true;
    opening->loop = loop;
    return true;
}

/* ---- Entering --------------------------------------------------------------------------------------------------- */

/* What the session had has no registrations, so this is done at once. */
static void leave_old_loop(struct pending_open *opening)
{
    struct session *session = opening->session;
    struct fault fault;

    opening->left = true;
    fault_set(&fault, FAULT_LOOP_CLOSED, "this session has opened another loop");
    if (session->loop != opening->loop)
        attach_leave(session, &fault);
    else
        attach_detach(opening->loop, &fault);
}

/* Arms every stream again, so that what is ready now is told; false: there is more to do. */
static bool rearm(struct pending_open *opening)
{
    struct context *context = opening->context;
    struct stream *stream = loop_next(opening->loop, opening->begun ? &opening->cursor : NULL);

    for (uint32_t done = 1; stream; done++) {
        opening->begun = true;
        opening->cursor = stream->token;
        stream_reattach(&context->turn.reactor, stream);
        stream = loop_next_stream(stream);
        if (stream && done % STREAMS_PER_LOOK == 0 && turn_piece_is_over(&context->turn))
            return false;
    }
    return true;
}

/* Delivery and linger are kept where they are not given. An anonymous loop never lingers. */
static void set_up(struct pending_open *opening)
{
    struct loop *loop = opening->loop;

    if (opening->has_delivery)
        loop->delivery = opening->delivery;
    if (opening->has_linger)
        loop->linger_ms = opening->linger_ms;
    if (opening->created)
        persist_loop_added(loop);
    else
        persist_loop_changed(loop);
}

static void enter(struct pending_open *opening)
{
    struct loop *loop = opening->loop;
    struct call *call = &opening->call;

    if (call->batch)
        loop->blocked_by_batch = call->batch->serial;
    reply_opened(call_begin(call), call->id, loop_name(loop), opening->created, loop->delivery, loop->count);
    loop->reserved = false;
    opening->loop = NULL;
    attach_enter(opening->session, loop);
    call_end(call);
}

/* One piece. True: the call is answered. */
static bool step(struct pending_open *opening)
{
    if (!opening->loop) {
        struct loop *loop = find(opening);

        if (loop && will_be_free(opening, loop))
            return false;
        if (!reserve(opening, loop))
            return true;
    }
    if (opening->loop->leaver)
        return false;
    if (!opening->left) {
        leave_old_loop(opening);
        set_up(opening);
    }
    if (!rearm(opening))
        return false;
    enter(opening);
    return true;
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

static void end(struct pending_open *opening)
{
    struct session *session = opening->session;

    task_cancel(&opening->task);
    session->opening = NULL;
    free(opening);
    session_resume_input(session);
}

/* A loop that the session was about to enter lingers. */
static void cancel(struct pending *pending, const struct fault *fault)
{
    struct pending_open *opening = container_of(pending, struct pending_open, pending);
    struct context *context = opening->context;
    struct loop *loop = opening->loop;

    task_cancel(&opening->task);
    if (fault)
        call_fault(&opening->call, fault);
    else
        call_drop(&opening->call);
    opening->session->opening = NULL;
    free(opening);
    if (!loop)
        return;
    loop->reserved = false;
    if (loop_is_named(loop))
        attach_linger(context, loop);
    else
        loop_free(loop);
}

static void run(struct task *task)
{
    struct pending_open *opening = container_of(task, struct pending_open, task);

    if (step(opening))
        end(opening);
    else
        task_add(task);
}

static void init(struct pending_open *opening, struct context *context, const struct call *call,
                 const struct params *params)
{
    *opening = (struct pending_open){
        .pending.cancel = cancel,
        .task = {.run = run, .share = &call->session->conn.account->share, .stage = STAGE_RUN},
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
        memcpy(opening->name, params->name.data, params->name.length);
}

void pending_open_begin(struct context *context, struct call *call, const struct params *params)
{
    struct pending_open *opening = malloc(sizeof *opening);

    if (!opening) {
        answer_out_of_memory(call);
        return;
    }
    init(opening, context, call, params);
    if (call_keep(call, &opening->call) < 0) {
        free(opening);
        answer_out_of_memory(call);
        return;
    }
    call->session->opening = &opening->pending;
    run(&opening->task);
}
