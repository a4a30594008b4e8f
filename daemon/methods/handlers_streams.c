/* SPDX-License-Identifier: MIT */
/* The methods that end a registration or give its descriptor to the client: deregister, take. */
#include "daemon/methods/handlers.h"

#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/methods/find_stream.h"
#include "daemon/methods/pending_connect.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void handle_deregister(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_stream(call, params->token);
    struct fault fault;

    if (!stream)
        return;
    if (stream->connecting) {
        fault_set(&fault, FAULT_CANCELLED, "token %llu was deregistered while it was connecting",
                  (unsigned long long)params->token);
        pending_connect_fail(stream, &fault);
    } else {
        stream_deregister(&context->turn.reactor, stream);
    }
    answer_empty(call);
}

/* ---- take ------------------------------------------------------------------------------------------------------- */

/* Replaces the written answer of a descriptor that could not be queued. */
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

/* Returns a duplicate of the descriptor. -1: the call is answered with a fault. */
static int duplicate_stream(struct context *context, struct call *call, const struct stream *stream)
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

/* Changes the registration only when the whole answer is certain to be sent. */
static void take_duplicate(struct context *context, struct call *call, struct stream *stream)
{
    int fd = duplicate_stream(context, call, stream);
    int result;

    if (fd < 0)
        return;
    reply_taken(call_begin(call), call->id, stream->token);
    result = call_fits(call) ? call_carry(call, fd) : -ENOMEM;
    if (result < 0) {
        close(fd); /* cannot block: the stream has a duplicate */
        answer_not_carried(call, result);
        return;
    }
    stream_is_shared(stream);
    stream_clear_interests(&context->turn.reactor, stream);
    call_end(call);
}

/* Ends the registration, only when the whole answer is certain to be sent. `copy`: as of stream_take. */
static void take_stream_leaving(struct context *context, struct call *call, struct stream *stream, int copy)
{
    int result;

    reply_taken(call_begin(call), call->id, stream->token);
    result = call_fits(call) ? call_carry(call, stream->fd) : -ENOMEM;
    if (result < 0) {
        if (copy >= 0)
            close(copy); /* cannot block: the stream has a duplicate */
        answer_not_carried(call, result);
        return;
    }
    stream_take(&context->turn.reactor, stream, copy);
    call_end(call);
}

/* If the service manager holds a duplicate, the daemon keeps a copy until the manager has closed the duplicate. */
static void take_stream(struct context *context, struct call *call, struct stream *stream)
{
    int copy = -1;

    if (persist_has_deposit(stream)) {
        copy = duplicate_stream(context, call, stream);
        if (copy < 0)
            return;
    }
    take_stream_leaving(context, call, stream, copy);
}

/* At the limit, asks the kernel which descriptors clients have read since, and checks again. */
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

/* A notification cannot pass a descriptor, so the registration just ends. */
void handle_take(struct context *context, struct call *call, const struct params *params)
{
    struct stream *stream = find_free_stream(call, params->token);

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
