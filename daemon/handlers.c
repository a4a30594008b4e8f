/* SPDX-License-Identifier: MIT */
#include "daemon/handlers.h"

#include "daemon/server.h"
#include "daemon/stream.h"
#include "proto/reply.h"

#include <errno.h>

static void say_empty(struct call *call)
{
    reply_empty(call_begin(call), call->id);
    call_end(call);
}

static void fail(struct call *call, enum fault_name name, const char *message)
{
    struct fault fault;

    fault_set(&fault, name, "%s", message);
    call_fault(call, &fault);
}

static void fail_param(struct call *call, const char *param, const char *message)
{
    struct fault fault;

    fault_set_param(&fault, param, "%s", message);
    call_fault(call, &fault);
}

/* The loop's stream of this token; NULL: answered with TOKEN_UNKNOWN. */
static struct stream *find_stream(struct call *call, uint64_t token)
{
    struct stream *stream = loop_find(call->session->loop, token);
    struct fault fault;

    if (stream)
        return stream;
    fault_set(&fault, FAULT_TOKEN_UNKNOWN, "token %llu is not registered in this loop", (unsigned long long)token);
    call_fault(call, &fault);
    return NULL;
}

/* ---- Without a loop -----------------------------------------------------------------------------------------------
 */

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
    say_empty(call);
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

/* ---- Registrations ------------------------------------------------------------------------------------------------
 */

static bool check_register(struct call *call, const struct params *params)
{
    bool by_address = params->address.data != NULL;

    if (by_address == params->fd)
        fail_param(call, by_address ? "fd" : "address",
                   by_address ? "give address or fd, not both" : "give an address to connect to");
    else if (params->mode == MODE_LEVEL)
        fail_param(call, "mode", "level needs a loop with poll delivery; use oneshot or edge");
    else if (loop_find(call->session->loop, params->token))
        fail(call, FAULT_TOKEN_EXISTS, "this token is in use in this loop; deregister it first or take another");
    else if (params->fd)
        fail(call, FAULT_FD_MISSING, "no descriptor is waiting to be claimed");
    else
        return true;
    return false;
}

/* The events of a stream that is registered in a batch come after the batch's replies. */
static void hold_events(struct call *call, struct stream *stream)
{
    struct batch *batch = call->batch;

    if (!batch)
        return;
    stream->held_by = batch->serial;
    batch->answers[call->slot].held = true;
    batch->answers[call->slot].token = stream->token;
}

static int connect_stream(struct server *server, struct call *call, const struct params *params,
                          const struct target *target)
{
    struct session *session = call->session;
    struct stream *stream = stream_new(session->loop, params->token, params->address, params->interests, params->mode);
    int result;

    if (!stream)
        return -ENOMEM;
    hold_events(call, stream);
    result = registering_begin(server, call, stream, target, params->timeout_ms, params->nodelay, params->keepalive);
    if (result < 0)
        stream_free(&server->reactor, stream);
    return result;
}

static void handle_register(struct server *server, struct call *call, const struct params *params)
{
    struct account *account = call->session->account;
    struct target target;
    struct fault fault;

    if (!check_register(call, params))
        return;
    if (target_parse(params->address, &target) < 0) {
        fail_param(call, "address", "address must be \"host:port\" or \"[v6]:port\", with a port from 1 to 65535");
        return;
    }
    if (policy_add_registration(&server->policy, account, &fault) < 0) {
        call_fault(call, &fault);
        return;
    }
    if (connect_stream(server, call, params, &target) < 0) {
        policy_remove_registration(&server->policy, account);
        fail(call, FAULT_INTERNAL, "the daemon is out of memory; try again later");
    }
}

static void handle_reregister(struct server *server, struct call *call, const struct params *params)
{
    struct stream *stream = find_stream(call, params->token);
    uint8_t interests, mode;
    struct fault fault;
    int result;

    if (!stream)
        return;
    if (stream->connecting) {
        fail(call, FAULT_NOT_CONNECTED, "the token is still connecting; wait for the reply to its register");
        return;
    }
    interests = params_given(METHOD_REREGISTER, params, offsetof(struct params, interests)) ? params->interests
                                                                                            : stream->interests;
    mode = params_given(METHOD_REREGISTER, params, offsetof(struct params, mode)) ? params->mode : stream->mode;
    if (mode == MODE_LEVEL) {
        fail_param(call, "mode", "level needs a loop with poll delivery; use oneshot or edge");
        return;
    }
    result = stream_rearm(&server->reactor, stream, interests, mode);
    if (result < 0) {
        fault_set(&fault, FAULT_INTERNAL, "the stream could not be watched: %s", errno_name(-result));
        fault.error = -result;
        call_fault(call, &fault);
        return;
    }
    say_empty(call);
}

static void handle_deregister(struct server *server, struct call *call, const struct params *params)
{
    struct stream *stream = find_stream(call, params->token);
    struct fault fault;

    (void)server;
    if (!stream)
        return;
    if (stream->connecting) {
        fault_set(&fault, FAULT_CANCELLED, "the token was deregistered while it was connecting");
        registering_cancel(stream->registering, &fault);
    } else {
        session_close_stream(call->session, stream);
    }
    say_empty(call);
}

static void handle_close_loop(struct server *server, struct call *call, const struct params *params)
{
    (void)server;
    (void)params;
    session_close_loop(call->session, true);
    say_empty(call);
}

/* ---- Lists --------------------------------------------------------------------------------------------------------
 */

static bool list_add(struct buffer *out, const struct stream *stream, size_t begun_at, size_t budget)
{
    char local[ADDRESS_TEXT_MAX], peer[ADDRESS_TEXT_MAX];
    struct reply_registration registration = {
        .token = stream->token,
        .state = stream_state(stream),
        .interests = stream->interests,
        .mode = stream->mode,
        .pending = stream->pending,
        .address = {stream->target_length ? stream->target : NULL, stream->target_length},
    };

    stream_addresses(stream, local, peer);
    registration.local = local[0] ? local : NULL;
    registration.peer = peer[0] ? peer : NULL;
    return reply_list_add(out, &registration, begun_at, budget);
}

static void handle_list(struct server *server, struct call *call, const struct params *params)
{
    bool has_after = params_given(METHOD_LIST, params, offsetof(struct params, after));
    struct loop *loop = call->session->loop;
    struct stream *stream = loop_next(loop, has_after ? &params->after : NULL);
    size_t budget = call_budget(call);
    struct buffer *out = call_begin(call);
    uint64_t last = 0;

    (void)server;
    reply_list_begin(out, call->id, NULL);
    for (uint64_t count = 0; stream && count < params->limit; count++) {
        if (!list_add(out, stream, call->begun_at, budget))
            break;
        last = stream->token;
        stream = loop_next(loop, &last);
    }
    reply_list_end(out, stream ? &last : NULL);
    call_end(call);
}

/* -------------------------------------------------------------------------------------------------------------------
 */

void handle_request(struct server *server, struct call *call, const struct request *request)
{
    static void (*const handlers[METHODS])(struct server *, struct call *, const struct params *) = {
        [METHOD_HELLO] = handle_hello,
        [METHOD_PING] = handle_ping,
        [METHOD_REGISTER] = handle_register,
        [METHOD_REREGISTER] = handle_reregister,
        [METHOD_DEREGISTER] = handle_deregister,
        [METHOD_CLOSE_LOOP] = handle_close_loop,
        [METHOD_LIST] = handle_list,
        [METHOD_STATS] = handle_stats,
    };

    if (method_table[request->method].needs_loop && !call->session->loop)
        fail(call, FAULT_LOOP_CLOSED, "this session's loop was closed");
    else
        handlers[request->method](server, call, &request->params);
}
