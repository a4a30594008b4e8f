/* SPDX-License-Identifier: MIT */
#include "daemon/methods/handlers.h"

#include "daemon/sessions/answer.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/discover.h"
#include "proto/reply.h"

/* ---- What needs no loop ----------------------------------------------------------------------------------------- */

static void handle_hello(struct context *context, struct call *call, const struct params *params)
{
    (void)params;
    reply_hello(call_begin(call), call->id, context->turn.limits);
    call_end(call);
}

static void handle_ping(struct context *context, struct call *call, const struct params *params)
{
    (void)context;
    (void)params;
    answer_empty(call);
}

static void handle_stats(struct context *context, struct call *call, const struct params *params)
{
    const struct stats *stats = &context->turn.stats;
    struct reply_stats reply = {
        .uptime_ms = (uint64_t)((context->turn.reactor.timers.now_ns - stats->started_ns) / NS_PER_MS),
        .sessions = context->accounts.sessions,
        .loops = context->loops.count,
        .registrations = context->accounts.registrations,
        .requests = stats->requests,
        .replies = stats->replies,
        .events = stats->events,
        .bytes_in = stats->bytes_in,
        .bytes_out = stats->bytes_out,
    };

    (void)params;
    for (int name = 0; name < FAULT_COUNT; name++)
        reply.errors[name] = stats->errors[name];
    for (int cause = 0; cause < SLOW_CAUSE_COUNT; cause++)
        reply.slow_turns[cause] = stats->slow_turns[cause];
    reply_stats(call_begin(call), call->id, &reply, context->turn.limits);
    call_end(call);
}

static void handle_discover(struct context *context, struct call *call, const struct params *params)
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

/* ----------------------------------------------------------------------------------------------------------------- */

/*
 * What a method costs at most, in units of a ping, of some 1 µs: what its handler does in system calls and bytes. Work
 * that grows with the size of a loop is done in pieces, and is not in here.
 */
static const uint8_t costs[METHOD_COUNT] = {
    [METHOD_HELLO] = 2,      [METHOD_PING] = 1,       [METHOD_OPEN_LOOP] = 8, [METHOD_REGISTER] = 8,
    [METHOD_REREGISTER] = 1, [METHOD_DEREGISTER] = 3, [METHOD_TAKE] = 4,      [METHOD_READ] = 4,
    [METHOD_WRITE] = 4,      [METHOD_SHUTDOWN] = 2,   [METHOD_POLL] = 2,      [METHOD_CLOSE_LOOP] = 4,
    [METHOD_LIST] = 32,      [METHOD_LOOPS] = 16,     [METHOD_STATS] = 4,     [METHOD_DISCOVER] = 16,
};

/* Methods that do nothing but answer: as a notification, nothing at all. */
static const bool only_answers[METHOD_COUNT] = {
    [METHOD_HELLO] = true, [METHOD_PING] = true,  [METHOD_LIST] = true,
    [METHOD_LOOPS] = true, [METHOD_STATS] = true, [METHOD_DISCOVER] = true,
};

void handle_request(struct context *context, struct call *call, const struct request *request)
{
    static handler *const handlers[METHOD_COUNT] = {
        [METHOD_HELLO] = handle_hello,
        [METHOD_PING] = handle_ping,
        [METHOD_OPEN_LOOP] = handle_open_loop,
        [METHOD_REGISTER] = handle_register,
        [METHOD_REREGISTER] = handle_reregister,
        [METHOD_DEREGISTER] = handle_deregister,
        [METHOD_TAKE] = handle_take,
        [METHOD_READ] = handle_read,
        [METHOD_WRITE] = handle_write,
        [METHOD_SHUTDOWN] = handle_shutdown,
        [METHOD_POLL] = handle_poll,
        [METHOD_CLOSE_LOOP] = handle_close_loop,
        [METHOD_LIST] = handle_list,
        [METHOD_LOOPS] = handle_loops,
        [METHOD_STATS] = handle_stats,
        [METHOD_DISCOVER] = handle_discover,
    };

    if (only_answers[request->method] && !call->id.data) {
        context->turn.units++;
        answer_empty(call);
        return;
    }
    context->turn.units += costs[request->method];
    if (method_table[request->method].needs_loop && !call->session->loop) {
        if (request->method == METHOD_REGISTER && request->params.fd)
            conn_discard_fd(&call->session->conn);
        answer_fault(call, FAULT_LOOP_CLOSED, "this session's loop was closed; open_loop opens another");
    } else {
        handlers[request->method](context, call, &request->params);
    }
}
