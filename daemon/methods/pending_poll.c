/* SPDX-License-Identifier: MIT */
#include "daemon/methods/pending_poll.h"

#include "daemon/loops/stream.h"
#include "daemon/sessions/batch.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdlib.h>

struct pending_poll {
    struct pending pending;
    struct call call;
    struct context *context;
    struct loop *loop;
    struct task recheck_task; /* runs when the kernel was asked about a piece */
    struct timer timeout;
    uint64_t max;
    size_t rechecked;   /* so many at the front of loop->ready were asked about */
    bool needs_recheck; /* the kernel is to be asked before it is answered */
    bool expired;       /* its time is over */
};

/* A unit of work is a system call or two, and so is asking about a stream. */
#define STREAMS_PER_UNIT 2

/* ---- Asking the kernel ------------------------------------------------------------------------------------------ */

/*
 * What the kernel said of a level stream that was not delivered yet may hold no longer. The streams keep their places,
 * so that small `max` values stay fair. A stream that the kernel cannot be asked about, for want of memory, stays
 * ready.
 */
static size_t ask_the_ready(struct reactor *reactor, struct loop *loop, size_t most)
{
    struct stream *stream;
    size_t passed = 0;

    TAILQ_FOREACH(stream, &loop->ready, list_link)
    {
        if (passed++ == most)
            break;
        if (stream_is_asked_again(stream))
            (void)stream_ask(reactor, stream);
    }
    return passed < most ? passed : most;
}

/* Level streams that were delivered are armed again, and are ready again if the kernel says so. */
static size_t ask_the_told(struct reactor *reactor, struct loop *loop, size_t most)
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

/* Asks about so many of the delivered. True: the kernel was asked, and the answer comes with the next events. */
static bool ask_more(struct pending_poll *polling, size_t most)
{
    size_t asked = ask_the_told(&polling->context->turn.reactor, polling->loop, most);

    polling->context->turn.units += asked / STREAMS_PER_UNIT;
    return asked > 0;
}

static size_t missing(const struct pending_poll *polling)
{
    size_t ready = polling->loop->ready_count;

    return polling->max > ready ? (size_t)polling->max - ready : 0;
}

static bool has_level(const struct loop *loop, size_t most)
{
    const struct stream *stream;

    TAILQ_FOREACH(stream, &loop->ready, list_link)
    {
        if (most-- == 0)
            return false;
        if (stream_is_asked_again(stream))
            return true;
    }
    return false;
}

/*
 * The first piece: what is ready and would be delivered, and as many of the delivered, who are to have their turn
 * however busy others are.
 */
static bool ask_first(struct pending_poll *polling)
{
    struct loop *loop = polling->loop;
    size_t max = (size_t)polling->max;
    bool asked_ready = has_level(loop, max);

    if (asked_ready) {
        polling->rechecked = ask_the_ready(&polling->context->turn.reactor, loop, max);
        polling->context->turn.units += polling->rechecked / STREAMS_PER_UNIT;
    }
    return ask_more(polling, max) || asked_ready;
}

static void expired(struct timer *timer)
{
    struct pending_poll *polling = container_of(timer, struct pending_poll, timeout);

    polling->expired = true;
    loop_enqueue_if_ready(polling->loop);
}

/* Streams of which the kernel had nothing to say are not ready any more. */
static void drop_the_idle(struct pending_poll *polling)
{
    struct loop *loop = polling->loop;
    struct stream *stream, *next;

    TAILQ_FOREACH_SAFE(stream, &loop->ready, list_link, next)
    {
        if (polling->rechecked == 0)
            break;
        polling->rechecked--;
        if (!stream->pending)
            loop_set_list(loop, stream, LIST_NONE);
    }
}

/* The events of the turn in which the kernel was asked are gathered by now, unless there were too many for one turn. */
static void recheck(struct task *task)
{
    struct pending_poll *polling = container_of(task, struct pending_poll, recheck_task);

    if (polling->context->turn.reactor.full) {
        task_add(task);
        return;
    }
    drop_the_idle(polling);
    if (ask_more(polling, missing(polling))) {
        task_add(task);
        return;
    }
    polling->needs_recheck = false;
    loop_enqueue_if_ready(polling->loop);
}

/* ---- The answer ------------------------------------------------------------------------------------------------- */

/* What a loop has to tell may have to wait for the end of the batch in which it was opened. */
static bool may_tell(const struct pending_poll *polling)
{
    const struct batch *batch = polling->call.batch;
    uint32_t blocked_by_batch = polling->loop->blocked_by_batch;

    return !blocked_by_batch || (batch && batch->serial == blocked_by_batch);
}

static bool is_due(const struct pending *pending)
{
    const struct pending_poll *polling = container_of(pending, struct pending_poll, pending);

    if (polling->needs_recheck)
        return false;
    return polling->expired || (may_tell(polling) && !TAILQ_EMPTY(&polling->loop->ready));
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* Its call is copied by now. */
static void polling_free(struct pending_poll *polling)
{
    struct loop *loop = polling->loop;

    timer_stop(&polling->context->turn.reactor.timers, &polling->timeout);
    task_cancel(&polling->recheck_task);
    drop_the_idle(polling);
    call_block_streams(&polling->call);
    loop->poll = NULL;
    loop_dequeue(loop);
    free(polling);
}

/* Returns how many events were written. */
static uint64_t write_events(struct pending_poll *polling, struct buffer *out)
{
    struct call *call = &polling->call;
    size_t budget = call_budget(call);
    struct stream *stream;
    uint64_t count = 0;

    reply_events_begin(out, call->id);
    TAILQ_FOREACH(stream, &polling->loop->ready, list_link)
    {
        if (count == polling->max || !may_tell(polling) ||
            !events_add(out, stream->token, stream->pending, call->begun_at, budget))
            break;
        count++;
    }
    events_end(out);
    return count;
}

static void answer(struct pending *pending)
{
    struct pending_poll *polling = container_of(pending, struct pending_poll, pending);
    struct call call;
    struct loop *loop = polling->loop;
    struct buffer *out = call_begin(&polling->call);
    uint64_t count = write_events(polling, out);

    /* What could not be written is told by the next one. */
    if (call_fits(&polling->call)) {
        polling->context->turn.stats.events += count;
        while (count--)
            stream_mark_delivered(TAILQ_FIRST(&loop->ready));
    }
    call = polling->call;
    polling_free(polling);
    call_end(&call);
}

static void cancel(struct pending *pending, const struct fault *fault)
{
    struct pending_poll *polling = container_of(pending, struct pending_poll, pending);
    struct call call = polling->call;

    polling_free(polling);
    if (fault)
        call_fault(&call, fault);
    else
        call_drop(&call);
}

/* ---- The beginning ---------------------------------------------------------------------------------------------- */

int pending_poll_begin(struct context *context, const struct call *call, struct loop *loop, const uint64_t *timeout_ms,
                       uint64_t max)
{
    struct pending_poll *polling = calloc(1, sizeof *polling);

    if (!polling)
        return -ENOMEM;
    if (call_keep(call, &polling->call) < 0) {
        free(polling);
        return -ENOMEM;
    }
    polling->pending = (struct pending){.is_due = is_due, .answer = answer, .cancel = cancel};
    polling->context = context;
    polling->loop = loop;
    polling->max = max;
    polling->expired = timeout_ms && *timeout_ms == 0;
    polling->recheck_task = (struct task){.run = recheck, .share = &loop->account->share, .stage = STAGE_RUN};
    polling->needs_recheck = ask_first(polling) || polling->expired;
    if (timeout_ms && *timeout_ms)
        timer_start(&context->turn.reactor.timers, &polling->timeout, *timeout_ms, expired);
    if (polling->needs_recheck)
        task_add(&polling->recheck_task);
    loop->poll = &polling->pending;
    call_unblock_streams(call);
    loop_enqueue_if_ready(loop);
    return 0;
}
