/* SPDX-License-Identifier: MIT */
/* The methods that need no loop: hello, ping, stats, rpc.discover. */
#include "daemon/methods/handlers.h"

#include "daemon/sessions/answer.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/discover.h"
#include "proto/reply.h"

/* ---- Methods without a loop ------------------------------------------------------------------------------------- */

void handle_hello(struct context *context, struct call *call, const struct params *params)
{
    (void)params;
    reply_hello(call_begin(call), call->id, context->turn.limits);
    call_end(call);
}

void handle_ping(struct context *context, struct call *call, const struct params *params)
{
    (void)context;
    (void)params;
    answer_empty(call);
}

static struct reply_turns turns_of(const struct stats *stats)
{
    struct reply_turns turns = {.longest_us = (uint64_t)(stats->turns.longest_ns / NS_PER_US),
                                .sum_us = (uint64_t)(stats->turns.sum_ns / NS_PER_US)};

    for (int i = 0; i <= TURN_BOUNDS; i++)
        turns.counts[i] = stats->turns.counts[i];
    return turns;
}

void handle_stats(struct context *context, struct call *call, const struct params *params)
{
    const struct stats *stats = &context->turn.stats;
    struct reply_stats reply = {
        .uptime_ms = (uint64_t)((context->turn.reactor.timers.now_ns - stats->started_ns) / NS_PER_MS),
        .sessions = context->accounts.sessions,
        .loops = context->loops.count,
        .registrations = context->accounts.registrations,
        .leases = context->loops.lease_count,
        .waits = context->loops.waiter_count,
        .requests = stats->requests,
        .replies = stats->replies,
        .events = stats->events,
        .redeliveries = stats->redeliveries,
        .bytes_in = stats->bytes_in,
        .bytes_out = stats->bytes_out,
        .turns = turns_of(stats),
    };

    (void)params;
    for (int name = 0; name < FAULT_COUNT; name++)
        reply.errors[name] = stats->errors[name];
    for (int cause = 0; cause < SLOW_CAUSE_COUNT; cause++)
        reply.slow_turns[cause] = stats->slow_turns[cause];
    reply_stats(call_begin(call), call->id, &reply, context->turn.limits);
    call_end(call);
}

void handle_discover(struct context *context, struct call *call, const struct params *params)
{
    (void)context;
    (void)params;
    if (call->batch) {
        call_fault_too_long(call);
        return;
    }
    reply_discover(call_begin(call), call->id);
    call_end(call);
}
