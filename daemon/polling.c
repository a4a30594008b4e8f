/* SPDX-License-Identifier: MIT */
#include "daemon/polling.h"

#include "daemon/server.h"
#include "daemon/stream.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Beginning -------------------------------------------------------------------------------------------------- */

/* Those that were not told yet keep their places, so that with few told at a time each has its turn. One that the
 * kernel cannot be asked about, for want of memory, stays as it was: told once more than it is ready. */
static bool ask_the_ready(struct reactor *reactor, struct loop *loop)
{
    struct stream *stream;
    bool asked = false;

    TAILQ_FOREACH(stream, &loop->ready, place_link)
    if (stream_is_asked_again(stream) && stream_ask(reactor, stream) == 0)
        asked = true;
    return asked;
}

static bool ask_the_told(struct reactor *reactor, struct loop *loop)
{
    struct stream *stream, *next;
    bool asked = false;

    TAILQ_FOREACH_SAFE(stream, &loop->told, place_link, next)
    {
        if (stream_ask(reactor, stream) < 0) {
            stream_hint(stream);
            continue;
        }
        loop_place(loop, stream, STREAM_NOWHERE);
        asked = true;
    }
    return asked;
}

/* What the kernel said of a level stream may hold no longer. */
static bool ask_again(struct reactor *reactor, struct loop *loop)
{
    bool asked = ask_the_ready(reactor, loop);

    return ask_the_told(reactor, loop) || asked;
}

static void expired(struct timer *timer)
{
    struct polling *polling = container_of(timer, struct polling, timeout);

    polling->expired = true;
    loop_resume(polling->loop);
}

int polling_begin(struct server *server, const struct call *call, struct loop *loop, const uint64_t *timeout_ms,
                  uint64_t max)
{
    struct polling *polling = calloc(1, sizeof *polling);

    if (!polling)
        return -ENOMEM;
    if (call_keep(call, &polling->call) < 0) {
        free(polling);
        return -ENOMEM;
    }
    polling->server = server;
    polling->loop = loop;
    polling->max = max;
    polling->expired = timeout_ms && *timeout_ms == 0;
    polling->looking = ask_again(&server->reactor, loop) || polling->expired;
    if (timeout_ms && *timeout_ms)
        timer_start(&server->reactor.timers, &polling->timeout, *timeout_ms, expired);
    if (polling->looking)
        TAILQ_INSERT_TAIL(&loop->loops->looking, polling, looking_link);
    loop->polling = polling;
    call_release_streams(call);
    loop_resume(loop);
    return 0;
}

/* Those of which the kernel has nothing to say are not ready any more. */
static void look_no_more(struct polling *polling)
{
    struct loop *loop = polling->loop;
    struct stream *stream, *next;

    TAILQ_REMOVE(&loop->loops->looking, polling, looking_link);
    polling->looking = false;
    TAILQ_FOREACH_SAFE(stream, &loop->ready, place_link, next)
    if (!stream->pending)
        loop_place(loop, stream, STREAM_NOWHERE);
}

void polling_looked(struct loops *loops)
{
    struct polling *polling;

    while ((polling = TAILQ_FIRST(&loops->looking))) {
        look_no_more(polling);
        loop_resume(polling->loop);
    }
}

/* What a loop has to tell may have to wait for the end of the batch in which it was opened. */
static bool may_tell(const struct polling *polling)
{
    const struct batch *batch = polling->call.batch;
    uint32_t held_by = polling->loop->held_by;

    return !held_by || (batch && batch->serial == held_by);
}

bool polling_is_due(const struct polling *polling)
{
    if (polling->looking)
        return false;
    return polling->expired || (may_tell(polling) && !TAILQ_EMPTY(&polling->loop->ready));
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* Its call is copied by now. */
static void polling_free(struct polling *polling)
{
    struct loop *loop = polling->loop;

    timer_stop(&polling->server->reactor.timers, &polling->timeout);
    if (polling->looking)
        look_no_more(polling);
    call_hold_streams(&polling->call);
    loop->polling = NULL;
    loop_pause(loop);
    free(polling);
}

/* Returns how many events were written. */
static uint64_t write_events(struct polling *polling, struct buffer *out)
{
    struct call *call = &polling->call;
    size_t budget = call_budget(call);
    struct stream *stream;
    uint64_t count = 0;

    reply_events_begin(out, call->id);
    TAILQ_FOREACH(stream, &polling->loop->ready, place_link)
    {
        if (count == polling->max || !may_tell(polling) ||
            !events_add(out, stream->token, stream->pending, call->begun_at, budget))
            break;
        count++;
    }
    events_end(out);
    return count;
}

void polling_answer(struct polling *polling)
{
    struct call call;
    struct loop *loop = polling->loop;
    struct buffer *out = call_begin(&polling->call);
    uint64_t count = write_events(polling, out);

    /* What could not be written is told by the next one. */
    if (call_fits(&polling->call)) {
        polling->server->stats.events += count;
        while (count--)
            stream_told(TAILQ_FIRST(&loop->ready));
    }
    call = polling->call;
    polling_free(polling);
    call_end(&call);
}

void polling_cancel(struct polling *polling, const struct fault *fault)
{
    struct call call = polling->call;

    polling_free(polling);
    if (fault)
        call_fault(&call, fault);
    else
        call_drop(&call);
}
