/* SPDX-License-Identifier: MIT */
#include "daemon/polling.h"

#include "daemon/server.h"
#include "daemon/stream.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Beginning -------------------------------------------------------------------------------------------------- */

/* What the kernel said of a level stream may hold no longer. Arms those of a list again. */
static bool ask_again(struct reactor *reactor, struct stream_list *list)
{
    struct stream *stream, *next;
    bool asked = false;

    TAILQ_FOREACH_SAFE(stream, list, place_link, next)
    {
        if (stream->mode != MODE_LEVEL)
            continue;
        /* Without memory for it, it stays as it was: told once more than it is ready. */
        if (stream_rearm(reactor, stream, stream->interests, stream->mode) == 0)
            asked = true;
    }
    return asked;
}

/* Those first that were not told yet, so that with few told at a time each has its turn. */
static bool ask_all_again(struct reactor *reactor, struct loop *loop)
{
    bool asked = ask_again(reactor, &loop->ready);

    return ask_again(reactor, &loop->told) || asked;
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
    polling->looking = ask_all_again(&server->reactor, loop) || (polling->expired && TAILQ_EMPTY(&loop->ready));
    if (timeout_ms && *timeout_ms)
        timer_start(&server->reactor.timers, &polling->timeout, *timeout_ms, expired);
    if (polling->looking)
        TAILQ_INSERT_TAIL(&loop->loops->looking, polling, looking_link);
    loop->polling = polling;
    loop_resume(loop);
    return 0;
}

void polling_looked(struct loops *loops)
{
    struct polling *polling;

    while ((polling = TAILQ_FIRST(&loops->looking))) {
        TAILQ_REMOVE(&loops->looking, polling, looking_link);
        polling->looking = false;
        loop_resume(polling->loop);
    }
}

bool polling_is_due(const struct polling *polling)
{
    return !polling->looking && (polling->expired || !TAILQ_EMPTY(&polling->loop->ready));
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* Its call is copied by now. */
static void polling_free(struct polling *polling)
{
    struct loop *loop = polling->loop;

    timer_stop(&polling->server->reactor.timers, &polling->timeout);
    if (polling->looking)
        TAILQ_REMOVE(&loop->loops->looking, polling, looking_link);
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
        if (count == polling->max || !events_add(out, stream->token, stream->pending, call->begun_at, budget))
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
