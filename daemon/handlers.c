/* SPDX-License-Identifier: MIT */
#include "daemon/handlers.h"

#include "daemon/server.h"
#include "proto/discover.h"
#include "proto/reply.h"

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

void answer_empty(struct call *call)
{
    reply_empty(call_begin(call), call->id);
    call_end(call);
}

void answer_fault(struct call *call, enum fault_name name, const char *message)
{
    struct fault fault;

    fault_set(&fault, name, "%s", message);
    call_fault(call, &fault);
}

void answer_param_fault(struct call *call, const char *param, const char *message)
{
    struct fault fault;

    fault_set_param(&fault, param, "%s", message);
    call_fault(call, &fault);
}

void answer_out_of_memory(struct call *call)
{
    answer_fault(call, FAULT_INTERNAL, "the daemon is out of memory; try again later");
}

/* ---- What needs no loop ----------------------------------------------------------------------------------------- */

static void handle_hello(struct server *server, struct call *call, const struct params *params)
{
    (void)params;
    reply_hello(call_begin(call), call->id, server->limits);
    call_end(call);
}

static void handle_ping(struct server *server, struct call *call, const struct params *params)
{
    (void)server;
    (void)params;
    answer_empty(call);
}

static void handle_stats(struct server *server, struct call *call, const struct params *params)
{
    const struct stats *stats = &server->stats;
    struct reply_stats reply = {
        .uptime_ms = (uint64_t)((server->reactor.timers.now_ns - stats->started_ns) / NS_PER_MS),
        .sessions = server->policy.sessions,
        .loops = server->loops.count,
        .registrations = server->policy.registrations,
        .requests = stats->requests,
        .replies = stats->replies,
        .events = stats->events,
        .bytes_in = stats->bytes_in,
        .bytes_out = stats->bytes_out,
    };

    (void)params;
    for (int name = 0; name < FAULT_NAMES; name++)
        reply.errors[name] = stats->errors[name];
    reply_stats(call_begin(call), call->id, &reply, server->limits);
    call_end(call);
}

static void handle_discover(struct server *server, struct call *call, const struct params *params)
{
    (void)server;
    (void)params;
    if (call->batch) {
        call_fault_too_long(call);
        return;
    }
    reply_discover(call_begin(call), call->id);
    call_end(call);
}

/* ----------------------------------------------------------------------------------------------------------------- */

void handle_request(struct server *server, struct call *call, const struct request *request)
{
    static handler *const handlers[METHODS] = {
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

    if (method_table[request->method].needs_loop && !call->session->loop) {
        if (request->method == METHOD_REGISTER && request->params.fd)
            session_discard_descriptor(call->session);
        answer_fault(call, FAULT_LOOP_CLOSED, "this session's loop was closed; open_loop opens another");
    } else {
        handlers[request->method](server, call, &request->params);
    }
}
