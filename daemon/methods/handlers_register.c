/* SPDX-License-Identifier: MIT */
/* The methods that make a stream or change its interests: register, reregister. */
#include "daemon/methods/handlers.h"

#include "daemon/base/log.h"
#include "daemon/loops/stream.h"
#include "daemon/methods/find_stream.h"
#include "daemon/methods/pending_connect.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"
#include "proto/text.h"

#include <errno.h>
#include <string.h>

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

static void answer_unwatchable(struct call *call, int error)
{
    struct fault fault;

    fault_set(&fault, FAULT_INTERNAL, "the stream could not be watched: %s", errno_name(error));
    fault.error = error;
    call_fault(call, &fault);
}

/* Whether a worker is in the loop, or about to enter. */
static bool has_workers(const struct loop *loop)
{
    return loop->worker_count || loop->worker_enters;
}

static void answer_wrong_mode(struct call *call)
{
    answer_param_fault(call, "mode",
                       has_workers(session_loop(call->session))
                           ? "workers share this loop, and share oneshot registrations only"
                           : "level needs a loop with poll delivery; use oneshot or edge");
}

/* Whether the loop can have this mode. PARAM_UNCHANGED fits. */
static bool mode_fits(const struct call *call, uint8_t mode)
{
    const struct loop *loop = session_loop(call->session);

    if (mode != MODE_EDGE && mode != MODE_LEVEL)
        return true;
    return !has_workers(loop) && (mode == MODE_EDGE || loop->delivery == DELIVERY_POLL);
}

/* ---- register --------------------------------------------------------------------------------------------------- */

static bool check_register(struct call *call, const struct params *params)
{
    bool by_address = params->address.data != NULL;

    if (by_address == params->fd)
        answer_param_fault(call, by_address ? "fd" : "address",
                           by_address ? "give address or fd, not both" : "give an address to connect to, or fd:true");
    else if (!mode_fits(call, params->mode))
        answer_wrong_mode(call);
    else
        return true;
    return false;
}

static void answer_exists(struct call *call)
{
    answer_fault(call, FAULT_TOKEN_EXISTS, "this token is in use in this loop; deregister it first or take another");
}

static int connect_stream(struct context *context, struct call *call, const struct params *params,
                          const struct target *target)
{
    struct session *session = call->session;
    struct stream *stream =
        stream_new(session_loop(session), params->token, params->address, params->interests, params->mode);
    int result;

    if (!stream)
        return -ENOMEM;
    call_block_stream(call, stream);
    result =
        pending_connect_begin(context, call, stream, target, params->timeout_ms, params->nodelay, params->keepalive);
    if (result < 0)
        stream_free(&context->turn.reactor, stream);
    return result;
}

#define NAMED_ADDRESS_MAX 40 /* bytes of a wrong address in a message, to leave room for the reason */

static void answer_no_address(struct call *call, struct span text, enum endpoint_fault wrong)
{
    size_t length = text.length <= NAMED_ADDRESS_MAX ? text.length : text_cut(text.data, NAMED_ADDRESS_MAX);
    struct fault fault;

    fault_set_param(&fault, "address", "address cannot be \"%.*s%s\": %s", (int)length, text.data,
                    length < text.length ? "..." : "", endpoint_fault_text(wrong));
    call_fault(call, &fault);
}

static void register_address(struct context *context, struct call *call, const struct params *params)
{
    struct account *account = call->session->conn.account;
    enum endpoint_fault wrong;
    struct target target;
    struct fault fault;

    wrong = target_parse(params->address, &target);
    if (wrong != ENDPOINT_OK) {
        answer_no_address(call, params->address, wrong);
        return;
    }
    if (accounts_add_registration(&context->accounts, account, &fault) < 0) {
        call_fault(call, &fault);
        return;
    }
    if (connect_stream(context, call, params, &target) < 0) {
        accounts_remove_registration(&context->accounts, account);
        answer_out_of_memory(call);
    }
}

/* Makes an open stream. On success the stream owns `fd`, and `ret_peer` is the peer's address or "". Errors: -ENOMEM;
 * -EPERM, `fd` cannot be watched; and those of the registrator. */
static int adopt_stream(struct context *context, struct call *call, const struct params *params, int fd,
                        struct stream **ret_stream, char ret_peer[ADDRESS_TEXT_MAX])
{
    bool is_tcp = fd_set_tcp_options(fd, params->nodelay, params->keepalive);
    struct stream *stream;
    enum fd_kind kind = FD_KIND_STREAM;
    int result = 0;

    /* Most descriptors are TCP sockets, recognized by accepting TCP options. */
    if (!is_tcp)
        result = fd_kind_inspect(fd, &kind);
    address_of_socket(fd, getpeername, ret_peer); /* a socket with a peer is not a listener */
    if (result == 0 && !ret_peer[0])
        result = fd_set_up_listener(fd);
    if (result < 0)
        return result;
    stream = stream_new(session_loop(call->session), params->token, (struct span){0}, params->interests, params->mode);
    if (!stream)
        return -ENOMEM;
    stream->credentials = !is_tcp && kind != FD_KIND_OTHER && fd_carries_credentials(fd);
    call_block_stream(call, stream);
    result = stream_adopt(&context->turn.reactor, stream, fd, kind);
    if (result < 0) {
        stream_free(&context->turn.reactor, stream);
        return result;
    }
    *ret_stream = stream;
    return 0;
}

static void answer_adopted(struct call *call, const struct stream *stream, const char *peer)
{
    char local[ADDRESS_TEXT_MAX];

    address_of_socket(stream->fd, getsockname, local);
    reply_registered(call_begin(call), call->id, stream->token, local[0] ? local : NULL, peer[0] ? peer : NULL, false);
    call_end(call);
}

static void answer_unsuitable(struct call *call, const char *what)
{
    struct fault fault;

    fault_set(&fault, FAULT_FD_UNSUITABLE,
              "%s cannot be registered; send a socket, a pipe, an eventfd, a timerfd, an inotify descriptor or a pidfd",
              what);
    call_fault(call, &fault);
}

static void answer_denied_descriptor(struct call *call)
{
    struct fault fault;

    conn_deny_descriptors(&fault);
    log_write_ratelimited(LOG_DENIED, call->session->conn.account->uid,
                          "uid %u: a descriptor denied: " ACCESS_DESCRIPTORS_RULE,
                          (unsigned)call->session->conn.account->uid);
    call_fault(call, &fault);
}

static void answer_not_adopted(struct call *call, int error)
{
    if (error == ENOMEM)
        answer_out_of_memory(call);
    else
        answer_unwatchable(call, error);
}

static void register_descriptor(struct context *context, struct call *call, const struct params *params, int fd)
{
    struct account *account = call->session->conn.account;
    char peer[ADDRESS_TEXT_MAX];
    struct stream *stream;
    const char *refused;
    struct fault fault;
    int result;

    if (accounts_add_registration(&context->accounts, account, &fault) < 0) {
        close_untrusted(&account->closer, fd);
        call_fault(call, &fault);
        return;
    }
    result = adopt_stream(context, call, params, fd, &stream, peer);
    if (result == 0) {
        answer_adopted(call, stream, peer);
        return;
    }
    accounts_remove_registration(&context->accounts, account);
    refused = result == -EPERM ? fd_kind_refused_name(fd) : NULL;
    close_untrusted(&account->closer, fd);
    if (refused)
        answer_unsuitable(call, refused);
    else
        answer_not_adopted(call, -result);
}

/* ---- ensure ----------------------------------------------------------------------------------------------------- */

static bool has_address(const struct stream *stream, struct span address)
{
    return stream->target_length == address.length && address.length > 0 &&
           !memcmp(stream->target, address.data, address.length);
}

static void answer_existing(struct call *call, const struct stream *stream)
{
    char local[ADDRESS_TEXT_MAX], peer[ADDRESS_TEXT_MAX];

    stream_addresses(stream, local, peer);
    reply_registered(call_begin(call), call->id, stream->token, local[0] ? local : NULL, peer[0] ? peer : NULL, true);
    call_end(call);
}

/* Replies with the registration that there is. A stream that has ended is connected anew. */
static void register_existing(struct context *context, struct call *call, const struct params *params,
                              struct stream *stream)
{
    struct fault fault;

    if (!params->ensure || !has_address(stream, params->address)) {
        answer_exists(call);
    } else if (find_is_leased(call, stream)) {
        return;
    } else if (stream->connecting) {
        if (pending_connect_follow(context, call, stream, &fault) < 0)
            call_fault(call, &fault);
    } else if (stream_is_alive(stream)) {
        answer_existing(call, stream);
    } else {
        stream_deregister(&context->turn.reactor, stream);
        register_address(context, call, params);
    }
}

/* ---- The handler ------------------------------------------------------------------------------------------------ */

static void register_received(struct context *context, struct call *call, const struct params *params, int fd)
{
    if (loop_find(session_loop(call->session), params->token)) {
        close_untrusted(&call->session->conn.account->closer, fd);
        answer_exists(call);
    } else if (!call->session->conn.may_send_descriptors) {
        close_untrusted(&call->session->conn.account->closer, fd);
        answer_denied_descriptor(call);
    } else if (fd >= 0) {
        register_descriptor(context, call, params, fd);
    } else if (fd == FD_REFUSED) {
        answer_unsuitable(call, "a connection to this daemon");
    } else {
        answer_fault(call, FAULT_FD_MISSING, "no descriptor is waiting to be claimed; send it with the request");
    }
}

void handle_register(struct context *context, struct call *call, const struct params *params)
{
    /* Consume the descriptor even if register fails, so that later registers get theirs. */
    int fd = params->fd ? fd_queue_take(&call->session->conn.inbox) : -1;
    struct stream *stream;

    conn_count_inbox(&call->session->conn);
    if (!check_register(call, params)) {
        close_untrusted(&call->session->conn.account->closer, fd);
        return;
    }
    if (params->fd) {
        register_received(context, call, params, fd);
        return;
    }
    stream = loop_find(session_loop(call->session), params->token);
    if (stream)
        register_existing(context, call, params, stream);
    else
        register_address(context, call, params);
}

/* ---- reregister ------------------------------------------------------------------------------------------------- */

void handle_reregister(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_open_stream(call, params->token);
    uint8_t interests, mode;
    int result;

    if (!stream)
        return;
    if (!mode_fits(call, params->mode)) {
        answer_wrong_mode(call);
        return;
    }
    if (call->session->member.role == ROLE_WORKER && find_is_leased(call, stream))
        return;
    interests = params->interests == PARAM_UNCHANGED ? stream->interests : params->interests;
    mode = params->mode == PARAM_UNCHANGED ? stream->mode : params->mode;
    result = stream_rearm(&context->turn.reactor, stream, interests, mode);
    if (result < 0)
        answer_unwatchable(call, -result);
    else
        answer_empty(call);
}
