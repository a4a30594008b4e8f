/* SPDX-License-Identifier: MIT */
#include "daemon/methods/pending_poll.h"

#include "daemon/base/invariant.h"
#include "daemon/loops/stream.h"
#include "daemon/sessions/batch.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/delivery.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdlib.h>

struct pending_poll {
    struct pending base;
    struct call call;
    struct context *context;
    struct loop *loop;
    struct task recheck_task; /* runs after the kernel was asked about a piece */
    struct timer timeout;
    uint64_t max;
    size_t rechecked;   /* number of streams at the front of loop->ready that the kernel was asked about */
    bool needs_recheck; /* the kernel's answer must arrive before the poll is due */
    bool expired;       /* the timeout expired */
};

/* A unit of work is one or two system calls. Asking about a stream takes one. */
#define STREAMS_PER_UNIT 2

/* ---- Asking the kernel ------------------------------------------------------------------------------------------ */

/*
 * Asks again about undelivered level streams, whose readiness may be out of date. Undelivered streams keep their
 * position, so small `max` values stay fair. Without memory to ask, a stream stays ready.
 */
static size_t ask_ready(struct reactor *reactor, struct loop *loop, size_t most)
{
    struct stream *stream;
    size_t passed = 0;

    TAILQ_FOREACH(stream, &loop->ready, list_link) {
        if (passed++ == most)
            break;
        if (stream_is_asked_again(stream))
            (void)stream_ask(reactor, stream);
    }
    return passed < most ? passed : most;
}

/* Rearms delivered level streams; the kernel reports the ready ones. Returns the number of streams asked about. */
static size_t ask_delivered(struct reactor *reactor, struct loop *loop, size_t most)
{
    struct stream *stream;
    size_t asked = 0;

    while (most-- > 0 && (stream = TAILQ_FIRST(&loop->delivered))) {
        if (stream_ask(reactor, stream) < 0) {
            stream_assume_ready(stream);
            continue;
        }
        loop_set_list(loop, stream, LIST_NONE);
        asked++;
    }
    return asked;
}

/* Asks about up to `most` delivered streams. True: the kernel was asked, and answers with the next events. */
static bool ask_more(struct pending_poll *poll, size_t most)
{
    size_t asked = ask_delivered(&poll->context->turn.reactor, poll->loop, most);

    poll->context->turn.units += asked / STREAMS_PER_UNIT;
    return asked > 0;
}

static size_t count_missing(const struct pending_poll *poll)
{
    size_t ready = poll->loop->ready_count;

    return poll->max > ready ? (size_t)poll->max - ready : 0;
}

static bool has_level(const struct loop *loop, size_t most)
{
    const struct stream *stream;

    TAILQ_FOREACH(stream, &loop->ready, list_link) {
        if (most-- == 0)
            return false;
        if (stream_is_asked_again(stream))
            return true;
    }
    return false;
}

/*
 * Asks about the first piece: up to `max` ready streams, and up to `max` delivered streams. Delivered streams get their
 * turn however busy the ready streams are.
 */
static bool ask_first(struct pending_poll *poll)
{
    struct loop *loop = poll->loop;
    size_t max = (size_t)poll->max;
    bool asked_ready = has_level(loop, max);

    if (asked_ready) {
        poll->rechecked = ask_ready(&poll->context->turn.reactor, loop, max);
        poll->context->turn.units += poll->rechecked / STREAMS_PER_UNIT;
    }
    return ask_more(poll, max) || asked_ready;
}

/* The poll's state has changed: the loop may have events for the session, or an answer without events. */
static void pending_poll_update(struct pending_poll *poll)
{
    member_update(&poll->call.session->member);
}

static void pending_poll_expired(struct timer *timer)
{
    struct pending_poll *poll = container_of(timer, struct pending_poll, timeout);

    poll->expired = true;
    pending_poll_update(poll);
}

/* Removes rechecked streams without a report of the kernel from the ready list. */
static void drop_idle(struct pending_poll *poll)
{
    struct loop *loop = poll->loop;
    struct stream *stream, *next;

    TAILQ_FOREACH_SAFE(stream, &loop->ready, list_link, next) {
        if (poll->rechecked == 0)
            break;
        poll->rechecked--;
        if (!stream->pending)
            loop_set_list(loop, stream, LIST_NONE);
    }
}

/* By now the kernel's events are collected, unless the reactor was full: then more events follow in the next turn. */
static void pending_poll_recheck(struct task *task)
{
    struct pending_poll *poll = container_of(task, struct pending_poll, recheck_task);

    if (poll->context->turn.reactor.full) {
        task_add(task);
        return;
    }
    drop_idle(poll);
    if (ask_more(poll, count_missing(poll))) {
        task_add(task);
        return;
    }
    poll->needs_recheck = false;
    pending_poll_update(poll);
}

/* ---- The answer ------------------------------------------------------------------------------------------------- */

/* Events of a loop opened inside a batch are held until the batch is answered, except for polls of the batch. */
static bool pending_poll_may_deliver(const struct pending *base)
{
    const struct pending_poll *poll = container_of(base, struct pending_poll, base);
    const struct batch *batch = poll->call.batch;
    uint32_t blocked_by_batch = poll->call.session->member.blocked_by_batch;

    return !poll->needs_recheck && (!blocked_by_batch || (batch && batch->serial == blocked_by_batch));
}

static bool pending_poll_is_expired(const struct pending *base)
{
    const struct pending_poll *poll = container_of(base, struct pending_poll, base);

    return poll->expired && !poll->needs_recheck;
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* Frees the poll. The caller has copied the call. */
static void pending_poll_free(struct pending_poll *poll)
{
    struct member *member = &poll->call.session->member;

    INVARIANT(member->poll == &poll->base);
    timer_stop(&poll->context->turn.reactor.timers, &poll->timeout);
    task_cancel(&poll->recheck_task);
    drop_idle(poll);
    call_block_streams(&poll->call);
    member->poll = NULL;
    member_update(member);
    free(poll);
}

/* The number of events that the answer may have. */
static uint64_t most_events(const struct pending_poll *poll)
{
    struct member *member = &poll->call.session->member;
    size_t share;

    if (!pending_poll_may_deliver(&poll->base))
        return 0;
    if (member->role != ROLE_WORKER)
        return poll->max;
    if (!member->is_receptive || member->lease_count >= member->prefetch || TAILQ_EMPTY(&poll->loop->ready))
        return 0;
    share = member_take_share(member);
    return poll->max < share ? poll->max : share;
}

/* Returns the number of written events. */
static uint64_t write_events(struct pending_poll *poll, struct buffer *out)
{
    struct call *call = &poll->call;
    size_t budget = call_budget(call);
    uint64_t most = most_events(poll), count = 0;
    struct stream *stream;

    reply_events_begin(out, call->id);
    TAILQ_FOREACH(stream, &poll->loop->ready, list_link) {
        if (count == most || !reply_events_add(out, stream->token, stream_event(stream), call->begun_at, budget))
            break;
        count++;
    }
    reply_events_end(out);
    return count;
}

static void pending_poll_answer(struct pending *base)
{
    struct pending_poll *poll = container_of(base, struct pending_poll, base);
    struct call call;
    struct buffer *out = call_begin(&poll->call);
    uint64_t count = write_events(poll, out);

    /* The next poll delivers events that do not fit. */
    if (call_fits(&poll->call))
        delivery_mark(poll->call.session, count);
    call = poll->call;
    pending_poll_free(poll);
    call_end(&call);
}

static void pending_poll_cancel(struct pending *base, const struct fault *fault)
{
    struct pending_poll *poll = container_of(base, struct pending_poll, base);
    struct call call = poll->call;

    pending_poll_free(poll);
    if (fault)
        call_fault(&call, fault);
    else
        call_drop(&call);
}

/* ---- The beginning ---------------------------------------------------------------------------------------------- */

int pending_poll_begin(struct context *context, const struct call *call, const uint64_t *timeout_ms, uint64_t max)
{
    struct pending_poll *poll = calloc(1, sizeof *poll);
    struct loop *loop = session_loop(call->session);

    if (!poll)
        return -ENOMEM;
    if (call_keep(call, &poll->call) < 0) {
        free(poll);
        return -ENOMEM;
    }
    poll->base = (struct pending){.call = &poll->call,
                                  .may_deliver = pending_poll_may_deliver,
                                  .is_expired = pending_poll_is_expired,
                                  .answer = pending_poll_answer,
                                  .cancel = pending_poll_cancel};
    poll->context = context;
    poll->loop = loop;
    poll->max = max;
    poll->expired = timeout_ms && *timeout_ms == 0;
    poll->recheck_task = (struct task){.run = pending_poll_recheck, .share = &loop->account->share, .stage = STAGE_RUN};
    poll->needs_recheck = ask_first(poll) || poll->expired;
    if (timeout_ms && *timeout_ms)
        timer_start(&context->turn.reactor.timers, &poll->timeout, *timeout_ms, pending_poll_expired);
    if (poll->needs_recheck)
        task_add(&poll->recheck_task);
    INVARIANT(loop && !call->session->member.poll);
    call->session->member.poll = &poll->base;
    call_unblock_streams(call);
    pending_poll_update(poll);
    return 0;
}
