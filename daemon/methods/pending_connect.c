/* SPDX-License-Identifier: MIT */
#include "daemon/methods/pending_connect.h"

#include "daemon/base/invariant.h"
#include "daemon/base/log.h"
#include "daemon/methods/pending_follow.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pending_connect {
    struct pending base;
    struct call call;
    struct context *context;
    struct stream *stream;
    struct connector *connector;     /* freed with the pending call */
    struct connector_result *result; /* of the connector, once done; NULL: connecting */
    struct follow_list followers;
    uint64_t timeout_ms;
    bool nodelay, keepalive;
};

static struct reactor *reactor_of(struct pending_connect *pending)
{
    return &pending->context->turn.reactor;
}

/* Frees the pending call, and the stream unless open. */
static void pending_connect_free(struct pending_connect *pending)
{
    struct stream *stream = pending->stream;

    INVARIANT(!stream->connecting || stream->connect == &pending->base);
    TAILQ_REMOVE(&pending->call.session->connects, &pending->base, link);
    if (pending->result)
        TAILQ_REMOVE(&pending->call.session->done, &pending->base, done_link);
    if (pending->result && pending->result->stream) {
        reactor_unwatch(reactor_of(pending), minimio_tcp_stream_fd(pending->result->stream));
        minimio_tcp_stream_free(pending->result->stream);
    }
    connector_free(pending->connector);
    if (stream->connecting)
        stream_deregister(reactor_of(pending), stream);
    free(pending);
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

#define NAMED_TARGET_MAX 90 /* bytes of a target in a message, to leave room for the reason */

/* The beginning of the target as the client wrote it. */
static void name_target(const struct pending_connect *pending, char ret_text[NAMED_TARGET_MAX + 4])
{
    const struct stream *stream = pending->stream;
    bool is_long = stream->target_length > NAMED_TARGET_MAX;

    snprintf(ret_text, NAMED_TARGET_MAX + 4, "%.*s%s", is_long ? NAMED_TARGET_MAX : (int)stream->target_length,
             stream->target, is_long ? "..." : "");
}

static bool is_target(const struct pending_connect *pending, const char *address)
{
    const struct stream *stream = pending->stream;

    return strlen(address) == stream->target_length && !memcmp(address, stream->target, stream->target_length);
}

static void describe_connect_failure(const struct pending_connect *pending, const struct connector_result *result,
                                     struct fault *ret_fault)
{
    uint32_t descriptors = pending->context->config->descriptors;
    char target[NAMED_TARGET_MAX + 4];

    if (result->error == EMFILE || result->error == ENFILE) {
        fault_set_limit(ret_fault, FAULT_LIMIT_EXCEEDED, "descriptors", descriptors,
                        "the daemon has no descriptor left for this connection; try again later");
        log_write_ratelimited(LOG_LIMIT, LOG_NOBODY, "a connection failed: descriptors = %u is reached", descriptors);
        return;
    }
    name_target(pending, target);
    if (is_target(pending, result->address))
        fault_set(ret_fault, FAULT_CONNECT_FAILED, "could not connect to %s: %s", target, errno_name(result->error));
    else
        fault_set(ret_fault, FAULT_CONNECT_FAILED, "could not connect to %s, last %s: %s", target, result->address,
                  errno_name(result->error));
    ret_fault->error = result->error;
    snprintf(ret_fault->address, sizeof ret_fault->address, "%s", result->address);
}

static void log_denial(const struct pending_connect *pending, const struct connector_result *result)
{
    const struct stream *stream = pending->stream;
    uid_t uid = pending->call.session->conn.account->uid;

    if (is_target(pending, result->address))
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

static void describe_too_many_lookups(const struct pending_connect *pending, struct fault *ret_fault)
{
    uint32_t max = pending->context->turn.limits->lookups_waiting_uid;
    uid_t uid = pending->call.session->conn.account->uid;

    fault_set_limit(ret_fault, FAULT_LIMIT_EXCEEDED, "lookups_waiting_uid", max,
                    "too many names of this user wait to be looked up: the limit of %u is reached", max);
    log_write_ratelimited(LOG_LIMIT, uid, "uid %u: lookups_waiting_uid = %u is reached", (unsigned)uid, max);
}

static void describe_failure(const struct pending_connect *pending, const struct connector_result *result,
                             struct fault *ret_fault)
{
    char target[NAMED_TARGET_MAX + 4];

    name_target(pending, target);
    switch (result->outcome) {
    case CONNECTOR_RESOLVE_FAILED:
        fault_set(ret_fault, FAULT_RESOLVE_FAILED, "the host of %s was not resolved: %s", target, result->reason);
        snprintf(ret_fault->reason, sizeof ret_fault->reason, "%s", result->reason);
        break;
    case CONNECTOR_TOO_MANY_LOOKUPS:
        describe_too_many_lookups(pending, ret_fault);
        break;
    case CONNECTOR_DENIED:
        describe_denial(result, ret_fault);
        log_denial(pending, result);
        break;
    case CONNECTOR_TIMED_OUT:
        fault_set(ret_fault, FAULT_TIMED_OUT, "not connected within %llu ms: %s; see timeout_ms",
                  (unsigned long long)pending->timeout_ms, target);
        break;
    default:
        describe_connect_failure(pending, result, ret_fault);
    }
}

static void answer_open(struct pending_connect *pending)
{
    struct call *call = &pending->call;
    char local[ADDRESS_TEXT_MAX], peer[ADDRESS_TEXT_MAX];

    stream_addresses(pending->stream, local, peer);
    reply_registered(call_begin(call), call->id, pending->stream->token, local[0] ? local : NULL, peer[0] ? peer : NULL,
                     false);
    call_end(call);
    pending_follow_connected(&pending->followers, local, peer);
}

static int open_stream(struct pending_connect *pending)
{
    struct connector_result *result = pending->result;
    struct minimio_tcp_stream *tcp = result->stream;
    int opened;

    /* Errors are ignored: a stream works without the options. */
    minimio_tcp_stream_set_nodelay(tcp, pending->nodelay);
    minimio_tcp_stream_set_keepalive(tcp, pending->keepalive);
    opened = stream_open(reactor_of(pending), pending->stream, minimio_tcp_stream_fd(tcp));
    if (opened == 0) {
        minimio_tcp_stream_take_fd(tcp);
        result->stream = NULL;
    }
    return opened;
}

/* Ends the call, and the connect. Followers must have been answered. */
static void pending_connect_end(struct pending_connect *pending, const struct fault *fault)
{
    struct call call = pending->call;

    /* Free the token before the answer says so. */
    pending_connect_free(pending);
    if (fault)
        call_fault(&call, fault);
    else
        call_drop(&call);
}

/* The first follower takes the connect over. */
static void pending_connect_pass_on(struct pending_connect *pending, const struct call *successor)
{
    struct session *before = pending->call.session, *after = successor->session;

    TAILQ_REMOVE(&before->connects, &pending->base, link);
    TAILQ_INSERT_TAIL(&after->connects, &pending->base, link);
    if (pending->result) {
        TAILQ_REMOVE(&before->done, &pending->base, done_link);
        TAILQ_INSERT_TAIL(&after->done, &pending->base, done_link);
        conn_mark_dirty(&after->conn); /* answers after the flush */
    }
    pending->call = *successor;
}

static void pending_connect_cancel(struct pending *base, const struct fault *fault)
{
    struct pending_connect *pending = container_of(base, struct pending_connect, base);
    struct call call = pending->call, successor;

    if (!pending_follow_take(&pending->followers, &successor)) {
        pending_connect_end(pending, fault);
        return;
    }
    pending_connect_pass_on(pending, &successor);
    if (fault)
        call_fault(&call, fault);
    else
        call_drop(&call);
}

void pending_connect_fail(struct stream *stream, const struct fault *fault)
{
    struct pending_connect *pending = container_of(stream->connect, struct pending_connect, base);

    pending_follow_failed(&pending->followers, fault);
    pending_connect_end(pending, fault);
}

static void pending_connect_answer(struct pending *base)
{
    struct pending_connect *pending = container_of(base, struct pending_connect, base);
    struct fault fault;
    int result = 0;

    INVARIANT(pending->result && pending->stream->connecting);
    if (pending->result->outcome == CONNECTOR_CONNECTED) {
        result = open_stream(pending);
        if (result == 0) {
            answer_open(pending);
            pending_connect_free(pending);
            return;
        }
        fault_set(&fault, FAULT_INTERNAL, "the stream could not be watched: %s", errno_name(-result));
        fault.error = -result;
    } else {
        describe_failure(pending, pending->result, &fault);
    }
    pending_connect_fail(pending->stream, &fault);
}

static void pending_connect_done(void *owner, struct connector_result *result)
{
    struct pending_connect *pending = owner;
    struct session *session = pending->call.session;

    INVARIANT(!pending->result);
    pending->result = result;
    TAILQ_INSERT_TAIL(&session->done, &pending->base, done_link);
    if (conn_is_writable(&session->conn))
        pending_connect_answer(&pending->base);
}

/* ---- Beginning -------------------------------------------------------------------------------------------------- */

int pending_connect_begin(struct context *context, const struct call *call, struct stream *stream,
                          const struct target *target, uint64_t timeout_ms, bool nodelay, bool keepalive)
{
    struct pending_connect *pending = calloc(1, sizeof *pending);
    int result;

    if (!pending)
        return -ENOMEM;
    result =
        connector_new(&context->turn.reactor, context->resolver, &call->session->conn.account->asker,
                      &context->config->rules, target, timeout_ms, pending_connect_done, pending, &pending->connector);
    if (result == 0)
        result = call_keep(call, &pending->call);
    if (result < 0) {
        connector_free(pending->connector);
        free(pending);
        return result;
    }
    connector_count_for(pending->connector, call->session->conn.account);
    connector_trace_as(pending->connector, call->session->number, stream->token);
    pending->base =
        (struct pending){.call = &pending->call, .answer = pending_connect_answer, .cancel = pending_connect_cancel};
    TAILQ_INIT(&pending->followers);
    pending->context = context;
    pending->stream = stream;
    pending->timeout_ms = timeout_ms;
    pending->nodelay = nodelay;
    pending->keepalive = keepalive;
    INVARIANT(stream->connecting && !stream->connect);
    stream->connect = &pending->base;
    TAILQ_INSERT_TAIL(&call->session->connects, &pending->base, link);
    return 0;
}

int pending_connect_follow(struct context *context, const struct call *call, struct stream *stream,
                           struct fault *ret_fault)
{
    struct pending_connect *pending = container_of(stream->connect, struct pending_connect, base);

    return pending_follow_begin(context, call, &pending->followers, stream->token, ret_fault);
}
