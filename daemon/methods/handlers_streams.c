/* SPDX-License-Identifier: MIT */
/* The methods that are about one stream. */
#include "daemon/methods/handlers.h"

#include "daemon/base/log.h"
#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/methods/pending_connect.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/base64.h"
#include "proto/reply.h"
#include "proto/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- Finding ---------------------------------------------------------------------------------------------------- */

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

/* Likewise, and it is open; NULL: answered. */
static struct stream *find_open(struct call *call, uint64_t token)
{
    struct stream *stream = find_stream(call, token);
    struct fault fault;

    if (!stream || !stream->connecting)
        return stream;
    fault_set(&fault, FAULT_NOT_CONNECTED, "token %llu is still connecting; wait for the reply to its register",
              (unsigned long long)token);
    call_fault(call, &fault);
    return NULL;
}

/* Likewise, and this session may have the daemon read and write it: its peer would take the daemon for the writer. */
static struct stream *find_for_data(struct call *call, uint64_t token)
{
    struct stream *stream = find_open(call, token);
    struct fault fault;

    if (!stream || !stream->credentials || call->session->conn.account->is_daemons)
        return stream;
    fault_set(
        &fault, FAULT_DENIED,
        "the peer of a Unix or netlink socket sees the daemon's credentials, so only the daemon's own user may use "
        "this method on it; take the descriptor back");
    strcpy(fault.rule, "credentials");
    call_fault(call, &fault);
    return NULL;
}

static void answer_unwatchable(struct call *call, int error)
{
    struct fault fault;

    fault_set(&fault, FAULT_INTERNAL, "the stream could not be watched: %s", errno_name(error));
    fault.error = error;
    call_fault(call, &fault);
}

/* ---- register --------------------------------------------------------------------------------------------------- */

static bool level_is_wrong(const struct call *call, uint8_t mode)
{
    return mode == MODE_LEVEL && call->session->loop->delivery != DELIVERY_POLL;
}

static void answer_wrong_level(struct call *call)
{
    answer_param_fault(call, "mode", "level needs a loop with poll delivery; use oneshot or edge");
}

static bool check_register(struct call *call, const struct params *params)
{
    bool by_address = params->address.data != NULL;

    if (by_address == params->fd)
        answer_param_fault(call, by_address ? "fd" : "address",
                           by_address ? "give address or fd, not both" : "give an address to connect to, or fd:true");
    else if (level_is_wrong(call, params->mode))
        answer_wrong_level(call);
    else if (loop_find(call->session->loop, params->token))
        answer_fault(call, FAULT_TOKEN_EXISTS,
                     "this token is in use in this loop; deregister it first or take another");
    else
        return true;
    return false;
}

static int connect_stream(struct context *context, struct call *call, const struct params *params,
                          const struct target *target)
{
    struct session *session = call->session;
    struct stream *stream = stream_new(session->loop, params->token, params->address, params->interests, params->mode);
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

#define NAMED_ADDRESS_MAX 40 /* so much of what is no address leaves room in a message for the reason */

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

/* 0, and the stream has taken the descriptor, whose peer is told; or a negative errno, -EPERM: it cannot be waited for.
 */
static int adopt_stream(struct context *context, struct call *call, const struct params *params, int fd,
                        struct stream **ret_stream, char ret_peer[ADDRESS_TEXT_MAX])
{
    bool is_tcp = fd_set_tcp_options(fd, params->nodelay, params->keepalive);
    struct stream *stream;
    enum fd_kind kind = FD_KIND_STREAM;
    int result = 0;

    /* Most are TCP sockets, and tell so by taking their options. */
    if (!is_tcp)
        result = fd_kind_inspect(fd, &kind);
    address_of_socket(fd, getpeername, ret_peer); /* who has one does not listen */
    if (result == 0 && !ret_peer[0])
        result = fd_set_up_listener(fd);
    if (result < 0)
        return result;
    stream = stream_new(call->session->loop, params->token, (struct span){0}, params->interests, params->mode);
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
    reply_registered(call_begin(call), call->id, stream->token, local[0] ? local : NULL, peer[0] ? peer : NULL);
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

void handle_register(struct context *context, struct call *call, const struct params *params)
{
    /* Also where it fails, so that the next descriptor is the next register's. */
    int fd = params->fd ? fd_queue_take(&call->session->conn.inbox) : -1;

    conn_count_inbox(&call->session->conn);
    if (!check_register(call, params)) {
        close_untrusted(&call->session->conn.account->closer, fd);
    } else if (!params->fd) {
        register_address(context, call, params);
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

/* ---- reregister, deregister, take ------------------------------------------------------------------------------- */

void handle_reregister(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_open(call, params->token);
    uint8_t interests, mode;
    int result;

    if (!stream)
        return;
    interests = params->interests == PARAM_KEPT ? stream->interests : params->interests;
    mode = params->mode == PARAM_KEPT ? stream->mode : params->mode;
    if (level_is_wrong(call, params->mode)) {
        answer_wrong_level(call);
        return;
    }
    result = stream_rearm(&context->turn.reactor, stream, interests, mode);
    if (result < 0)
        answer_unwatchable(call, -result);
    else
        answer_empty(call);
}

void handle_deregister(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_stream(call, params->token);
    struct fault fault;

    if (!stream)
        return;
    if (stream->connecting) {
        fault_set(&fault, FAULT_CANCELLED, "token %llu was deregistered while it was connecting",
                  (unsigned long long)params->token);
        stream->connect->cancel(stream->connect, &fault);
    } else {
        stream_deregister(&context->turn.reactor, stream);
    }
    answer_empty(call);
}

/* What was written of the answer does not go out. */
static void answer_not_carried(struct call *call, int error)
{
    struct fault fault;

    call_retract(call);
    if (error != -EDQUOT) {
        answer_out_of_memory(call);
        return;
    }
    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors", FD_OUTBOX_MAX,
                    "batches that wait for an answer keep at most %d descriptors", FD_OUTBOX_MAX);
    call_fault(call, &fault);
}

static void answer_not_duplicated(struct context *context, struct call *call, int error)
{
    struct fault fault;

    if (error != EMFILE && error != ENFILE) {
        answer_out_of_memory(call);
        return;
    }
    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors", context->config->descriptors,
                    "the daemon has no descriptor left for a duplicate; try again later");
    call_fault(call, &fault);
}

/* -1: answered. */
static int duplicate(struct context *context, struct call *call, const struct stream *stream)
{
    struct fault fault;
    int fd;

    if (accounts_check_descriptors(&context->accounts, call->session->conn.account, &fault) < 0) {
        call_fault(call, &fault);
        return -1;
    }
    fd = fcntl(stream->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        answer_not_duplicated(context, call, errno);
    } else if (fd_room_has(fd)) {
        close(fd);
        fd = -1;
        answer_not_duplicated(context, call, EMFILE);
    }
    return fd;
}

/* The token changes only when nothing can keep the answer from going out whole. */
static void take_duplicate(struct context *context, struct call *call, struct stream *stream)
{
    int fd = duplicate(context, call, stream);
    int result;

    if (fd < 0)
        return;
    reply_taken(call_begin(call), call->id, stream->token);
    result = call_fits(call) ? call_carry(call, fd) : -ENOMEM;
    if (result < 0) {
        close(fd); /* the stream has another */
        answer_not_carried(call, result);
        return;
    }
    stream_is_shared(stream);
    stream_clear_interests(&context->turn.reactor, stream);
    call_end(call);
}

/* Likewise: the stream is let go. */
static void take_stream_leaving(struct context *context, struct call *call, struct stream *stream, int copy)
{
    int result;

    reply_taken(call_begin(call), call->id, stream->token);
    result = call_fits(call) ? call_carry(call, stream->fd) : -ENOMEM;
    if (result < 0) {
        if (copy >= 0)
            close(copy); /* the stream has another */
        answer_not_carried(call, result);
        return;
    }
    stream_take(&context->turn.reactor, stream, copy);
    call_end(call);
}

/* Where the service manager has the stream too, a copy stays here until the manager has closed its own. */
static void take_stream(struct context *context, struct call *call, struct stream *stream)
{
    int copy = -1;

    if (persist_has_deposit(stream)) {
        copy = duplicate(context, call, stream);
        if (copy < 0)
            return;
    }
    take_stream_leaving(context, call, stream, copy);
}

/* What clients have read since they were last asked about counts no more. */
static bool may_take(struct context *context, struct call *call)
{
    struct account *account = call->session->conn.account;
    struct accounts *accounts = &context->accounts;
    struct fault fault;

    if (accounts_check_unread(accounts, account, &fault) == 0)
        return true;
    context->turn.units +=
        unread_look_all(&context->wire.unreads, strcmp(fault.limit, "descriptors_unread") ? account : NULL);
    if (accounts_check_unread(accounts, account, &fault) == 0)
        return true;
    call_fault(call, &fault);
    return false;
}

/* Without an id nobody is there to be handed the descriptor. */
void handle_take(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_open(call, params->token);

    if (!stream)
        return;
    if (!call->id.data) {
        if (!params->keep)
            stream_deregister(&context->turn.reactor, stream);
        answer_empty(call);
    } else if (!may_take(context, call)) {
        return;
    } else if (params->keep) {
        take_duplicate(context, call, stream);
    } else {
        take_stream(context, call, stream);
    }
}

/* ---- Data ------------------------------------------------------------------------------------------------------- */

/* `what` was tried on the stream, as in "nothing could be read from". */
static void answer_io_failed(struct call *call, const struct stream *stream, int error, const char *what)
{
    struct fault fault;

    fault_set(&fault, FAULT_IO_FAILED, "%s token %llu: %s", what, (unsigned long long)stream->token, errno_name(error));
    fault.error = error;
    call_fault(call, &fault);
}

static void read_into(struct call *call, const struct params *params, struct stream *stream, char *bytes, size_t size)
{
    bool eof = false;
    ssize_t count = stream_read(stream, bytes, size, params->peek, &eof);

    if (count < 0 && count != -EAGAIN) {
        answer_io_failed(call, stream, (int)-count, "nothing could be read from");
        return;
    }
    reply_read(call_begin(call), call->id, (struct span){bytes, count > 0 ? (size_t)count : 0},
               (enum encoding)params->encoding, (struct reply_end){.eof = eof, .error = stream->error},
               call_budget(call));
    call_end(call);
}

void handle_read(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_for_data(call, params->token);
    char bytes[READ_MAX_BYTES];
    size_t budget, size;

    if (!stream)
        return; /* answered, and its batch may be gone with that */
    budget = call_budget(call);
    size = reply_read_room(call->id, budget);
    if (size == 0) {
        call_fault_too_long(call);
        return;
    }
    /* Read bytes are nowhere else: the room for the answer must be there before them. */
    if (!call_reserve(call, budget < context->turn.limits->line_bytes ? budget : context->turn.limits->line_bytes)) {
        answer_out_of_memory(call);
        return;
    }
    read_into(call, params, stream, bytes, size < params->max ? size : (size_t)params->max);
}

static void write_bytes(struct call *call, struct stream *stream, struct span data)
{
    ssize_t count = stream_write(stream, data);

    if (count < 0 && count != -EAGAIN) {
        answer_io_failed(call, stream, (int)-count, "nothing could be written to");
        return;
    }
    reply_written(call_begin(call), call->id, count > 0 ? (uint64_t)count : 0);
    call_end(call);
}

static void write_base64(struct call *call, struct stream *stream, struct span text)
{
    struct buffer bytes;
    int result;

    buffer_init(&bytes);
    result = base64_decode(&bytes, text);
    if (result < 0)
        answer_param_fault(call, "data", "data is not base64: RFC 4648, with padding and without line breaks");
    else if (buffer_failed(&bytes))
        answer_out_of_memory(call);
    else
        write_bytes(call, stream, (struct span){buffer_bytes(&bytes), bytes.length});
    buffer_deinit(&bytes);
}

void handle_write(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_for_data(call, params->token);

    (void)context;
    if (!stream)
        return;
    if (params->encoding == ENCODING_BASE64)
        write_base64(call, stream, params->data);
    else
        write_bytes(call, stream, params->data);
}

void handle_shutdown(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_for_data(call, params->token);
    int result;

    (void)context;
    if (!stream)
        return;
    result = stream_shutdown(stream, (enum direction)params->how);
    if (result < 0)
        answer_io_failed(call, stream, -result, "could not shut down");
    else
        answer_empty(call);
}
