/* SPDX-License-Identifier: MIT */
#include "daemon/methods/pending_connect.h"

#include "daemon/base/log.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pending_connect {
    struct pending pending;
    struct call call;
    struct context *context;
    struct stream *stream;
    struct connector *connector;     /* NULL: done, its result is below */
    struct connector_result *result; /* while the answer waits for the client to read */
    uint64_t timeout_ms;
    bool nodelay, keepalive;
};

static struct reactor *reactor_of(struct pending_connect *registering)
{
    return &registering->context->turn.reactor;
}

/* Takes the pending call away. The stream itself goes too, unless it is open by now. */
static void release(struct pending_connect *registering)
{
    struct stream *stream = registering->stream;

    TAILQ_REMOVE(&registering->call.session->connects, &registering->pending, link);
    if (registering->result)
        TAILQ_REMOVE(&registering->call.session->done, &registering->pending, done_link);
    if (registering->result && registering->result->stream) {
        reactor_unwatch(reactor_of(registering), minimio_tcp_stream_fd(registering->result->stream));
        minimio_tcp_stream_free(registering->result->stream);
    }
    connector_free(registering->connector);
    if (stream->connecting)
        stream_deregister(reactor_of(registering), stream);
    free(registering);
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

#define NAMED_TARGET_MAX 90 /* so much of a target leaves room in a message for why it failed */

/* The target as its client wrote it, of which a message has the beginning. */
static void name_target(const struct pending_connect *registering, char ret_text[NAMED_TARGET_MAX + 4])
{
    const struct stream *stream = registering->stream;
    bool is_long = stream->target_length > NAMED_TARGET_MAX;

    snprintf(ret_text, NAMED_TARGET_MAX + 4, "%.*s%s", is_long ? NAMED_TARGET_MAX : (int)stream->target_length,
             stream->target, is_long ? "..." : "");
}

static bool is_target(const struct pending_connect *registering, const char *address)
{
    const struct stream *stream = registering->stream;

    return strlen(address) == stream->target_length && !memcmp(address, stream->target, stream->target_length);
}

static void describe_connect_failure(const struct pending_connect *registering, const struct connector_result *result,
                                     struct fault *ret_fault)
{
    uint32_t descriptors = registering->context->config->descriptors;
    char target[NAMED_TARGET_MAX + 4];

    if (result->error == EMFILE || result->error == ENFILE) {
        fault_set_limit(ret_fault, FAULT_LIMIT_EXCEEDED, "descriptors", descriptors,
                        "the daemon has no descriptor left for this connection; try again later");
        log_write_ratelimited(LOG_LIMIT, LOG_NOBODY, "a connection failed: descriptors = %u is reached", descriptors);
        return;
    }
    name_target(registering, target);
    if (is_target(registering, result->address))
        fault_set(ret_fault, FAULT_CONNECT_FAILED, "could not connect to %s: %s", target, errno_name(result->error));
    else
        fault_set(ret_fault, FAULT_CONNECT_FAILED, "could not connect to %s, last %s: %s", target, result->address,
                  errno_name(result->error));
    ret_fault->error = result->error;
    snprintf(ret_fault->address, sizeof ret_fault->address, "%s", result->address);
}

static void log_denial(const struct pending_connect *registering, const struct connector_result *result)
{
    const struct stream *stream = registering->stream;
    uid_t uid = registering->call.session->conn.account->uid;

    if (is_target(registering, result->address))
        log_write_ratelimited(LOG_DENIED, uid, "uid %u: %s denied: %s", (unsigned)uid, result->address, result->rule);
    else
        log_write_ratelimited(LOG_DENIED, uid, "uid %u: %.*s, which is %s, denied: %s", (unsigned)uid,
                              (int)stream->target_length, stream->target, result->address, result->rule);
}

static void describe_denial(const struct connector_result *result, struct fault *ret_fault)
{
    fault_set(ret_fault, FAULT_DENIED, "this daemon's operator does not allow %s: %s", result->address, result->rule);
    snprintf(ret_fault->address, sizeof ret_fault->address, "%s", result->address);
    snprintf(ret_fault->rule, sizeof ret_fault->rule, "%s", result->rule);
}

static void describe_too_many_lookups(const struct pending_connect *registering, struct fault *ret_fault)
{
    uint32_t max = registering->context->turn.limits->lookups_waiting_uid;
    uid_t uid = registering->call.session->conn.account->uid;

    fault_set_limit(ret_fault, FAULT_LIMIT_EXCEEDED, "lookups_waiting_uid", max,
                    "too many names of this user wait to be looked up: the limit of %u is reached", max);
    log_write_ratelimited(LOG_LIMIT, uid, "uid %u: lookups_waiting_uid = %u is reached", (unsigned)uid, max);
}

static void describe(const struct pending_connect *registering, const struct connector_result *result,
                     struct fault *ret_fault)
{
    char target[NAMED_TARGET_MAX + 4];

    name_target(registering, target);
    switch (result->outcome) {
    case CONNECTOR_RESOLVE_FAILED:
        fault_set(ret_fault, FAULT_RESOLVE_FAILED, "the host of %s was not resolved: %s", target, result->reason);
        snprintf(ret_fault->reason, sizeof ret_fault->reason, "%s", result->reason);
        break;
    case CONNECTOR_TOO_MANY_LOOKUPS:
        describe_too_many_lookups(registering, ret_fault);
        break;
    case CONNECTOR_DENIED:
        describe_denial(result, ret_fault);
        log_denial(registering, result);
        break;
    case CONNECTOR_TIMED_OUT:
        fault_set(ret_fault, FAULT_TIMED_OUT, "not connected within %llu ms: %s; see timeout_ms",
                  (unsigned long long)registering->timeout_ms, target);
        break;
    default:
        describe_connect_failure(registering, result, ret_fault);
    }
}

static void answer_open(struct pending_connect *registering)
{
    struct call *call = &registering->call;
    char local[ADDRESS_TEXT_MAX], peer[ADDRESS_TEXT_MAX];

    stream_addresses(registering->stream, local, peer);
    reply_registered(call_begin(call), call->id, registering->stream->token, local[0] ? local : NULL,
                     peer[0] ? peer : NULL);
    call_end(call);
}

static int open_stream(struct pending_connect *registering)
{
    struct connector_result *result = registering->result;
    struct minimio_tcp_stream *tcp = result->stream;
    int opened;

    /* Hints to the kernel: a stream without them is still a stream. */
    minimio_tcp_stream_set_nodelay(tcp, registering->nodelay);
    minimio_tcp_stream_set_keepalive(tcp, registering->keepalive);
    opened = stream_open(reactor_of(registering), registering->stream, minimio_tcp_stream_fd(tcp));
    if (opened == 0) {
        minimio_tcp_stream_take_fd(tcp);
        result->stream = NULL;
    }
    return opened;
}

static void cancel(struct pending *pending, const struct fault *fault)
{
    struct pending_connect *registering = container_of(pending, struct pending_connect, pending);
    struct call call = registering->call;

    /* The token is free again before the answer says so. */
    release(registering);
    if (fault)
        call_fault(&call, fault);
    else
        call_drop(&call);
}

static void answer(struct pending *pending)
{
    struct pending_connect *registering = container_of(pending, struct pending_connect, pending);
    struct fault fault;
    int result = 0;

    if (registering->result->outcome == CONNECTOR_CONNECTED) {
        result = open_stream(registering);
        if (result == 0) {
            answer_open(registering);
            release(registering);
            return;
        }
        fault_set(&fault, FAULT_INTERNAL, "the stream could not be watched: %s", errno_name(-result));
        fault.error = -result;
    } else {
        describe(registering, registering->result, &fault);
    }
    cancel(pending, &fault);
}

static void connected_or_failed(void *owner, struct connector_result *result)
{
    struct pending_connect *registering = owner;
    struct session *session = registering->call.session;

    registering->result = result;
    TAILQ_INSERT_TAIL(&session->done, &registering->pending, done_link);
    if (conn_is_writable(&session->conn))
        answer(&registering->pending);
}

/* ---- Beginning ------------------------------------------------------------------------------------- */

int pending_connect_begin(struct context *context, const struct call *call, struct stream *stream,
                          const struct target *target, uint64_t timeout_ms, bool nodelay, bool keepalive)
{
    struct pending_connect *registering = calloc(1, sizeof *registering);
    int result;

    if (!registering)
        return -ENOMEM;
    result = connector_new(&context->turn.reactor, context->resolver, &call->session->conn.account->asker,
                           &context->config->rules, target, timeout_ms, connected_or_failed, registering,
                           &registering->connector);
    if (result == 0)
        result = call_keep(call, &registering->call);
    if (result < 0) {
        connector_free(registering->connector);
        free(registering);
        return result;
    }
    connector_count_for(registering->connector, call->session->conn.account);
    registering->pending = (struct pending){.answer = answer, .cancel = cancel};
    registering->context = context;
    registering->stream = stream;
    registering->timeout_ms = timeout_ms;
    registering->nodelay = nodelay;
    registering->keepalive = keepalive;
    stream->connect = &registering->pending;
    TAILQ_INSERT_TAIL(&call->session->connects, &registering->pending, link);
    return 0;
}
