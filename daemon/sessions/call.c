/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/call.h"

#include "daemon/base/invariant.h"
#include "daemon/sessions/batch.h"
#include "daemon/sessions/session.h"
#include "daemon/sessions/trace.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct limits *call_limits(const struct call *call)
{
    return call->session->context->turn.limits;
}

size_t call_budget(const struct call *call)
{
    return call->batch ? batch_budget(call->batch) : call_limits(call)->line_bytes - 2;
}

static struct buffer *call_output(const struct call *call)
{
    return call->batch ? &call->batch->text : &call->session->conn.out;
}

struct buffer *call_begin(struct call *call)
{
    struct buffer *out = call_output(call);

    call->begun_at = out->length;
    return out;
}

bool call_fits(const struct call *call)
{
    const struct buffer *out = call_output(call);

    return !buffer_failed(out) && out->length - call->begun_at <= call_budget(call);
}

bool call_reserve(const struct call *call, size_t length)
{
    struct buffer *out = call_output(call);

    if (buffer_reserve(out, length))
        return true;
    buffer_truncate(out, out->length);
    return false;
}

void call_retract(struct call *call)
{
    buffer_truncate(call_output(call), call->begun_at);
}

static int call_carry_on_line(struct call *call, int fd)
{
    int result = fd_outbox_add(&call->session->conn.outbox, call->begun_at, &fd, 1);

    if (result == 0)
        unread_add(&call->session->conn.unread);
    return result;
}

int call_carry(struct call *call, int fd)
{
    return call->batch ? batch_carry(call->batch, call->slot, fd) : call_carry_on_line(call, fd);
}

/* Replaces the written answer by a fault. */
static void call_replace(struct call *call, struct buffer *out, const struct fault *fault)
{
    buffer_truncate(out, call->begun_at);
    call->session->context->turn.stats.errors[fault->name]++;
    if (log_is_debug())
        trace_fault(call, fault);
    reply_error(out, call->id, fault);
}

static void call_set_too_long(const struct call *call, struct fault *ret_fault)
{
    fault_set_limit(ret_fault, FAULT_LIMIT_EXCEEDED, "line_bytes", call_limits(call)->line_bytes,
                    call->batch ? "the answer does not fit into what is left of the batch's line; ask for it alone"
                                : "the answer does not fit into a line; the daemon's operator can allow longer ones");
}

/* False: a fault has taken the place of the answer. */
static bool call_check_answer(struct call *call, struct buffer *out)
{
    struct fault fault;

    if (call_fits(call))
        return true;
    if (buffer_failed(out))
        fault_set(&fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
    else
        call_set_too_long(call, &fault);
    call_replace(call, out, &fault);
    return false;
}

static void call_end_in_batch(struct call *call)
{
    /* Notifications use none of the line budget of the batch. */
    if (call->id.data && batch_add_answer(call->batch, call->slot) < 0)
        conn_abort(&call->session->conn);
    batch_end_slot(call->batch);
}

static void call_end_on_line(struct call *call, struct buffer *out)
{
    struct conn *conn = &call->session->conn;

    if (call->id.data) {
        conn_end_line(conn);
        return;
    }
    buffer_truncate(out, call->begun_at);
    conn_mark_dirty(conn);
}

/* The answer goes out as it was checked. */
static void call_finish(struct call *call)
{
    struct buffer *out = call_output(call);

    if (call->id.data)
        call->session->context->turn.stats.replies++;
    if (call->batch)
        call_end_in_batch(call);
    else
        call_end_on_line(call, out);
    if (call->pending) {
        INVARIANT(call->session->pending_calls > 0);
        call->session->pending_calls--;
        call_drop(call);
    }
}

void call_end(struct call *call)
{
    if (call->id.data && call_check_answer(call, call_output(call)) && log_is_debug())
        trace_reply(call);
    call_finish(call);
}

void call_fault_too_long(struct call *call)
{
    struct fault fault;

    call_set_too_long(call, &fault);
    call_fault(call, &fault);
}

void call_fault(struct call *call, const struct fault *fault)
{
    if (call->id.data)
        call->session->context->turn.stats.errors[fault->name]++;
    if (log_is_debug())
        trace_fault(call, fault);
    reply_error(call_begin(call), call->id, fault);
    if (call->id.data)
        call_check_answer(call, call_output(call));
    call_finish(call);
}

int call_keep(const struct call *call, struct call *ret_call)
{
    char *copy = NULL;

    INVARIANT(!call->pending);
    if (call->id.data) {
        copy = malloc(call->id.length);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, call->id.data, call->id.length);
    }
    *ret_call = *call;
    ret_call->id.data = copy;
    ret_call->pending = true;
    ret_call->number = ++ret_call->session->call_number;
    ret_call->session->pending_calls++;
    return 0;
}

void call_drop(struct call *call)
{
    free((char *)call->id.data);
    call->id = (struct span){0};
}

/* A guest's streams produce events of another session, which cannot overtake a reply to the guest. */
void call_block_stream(const struct call *call, struct stream *stream)
{
    if (call->batch && member_is_consumer(&call->session->member))
        batch_block_stream(call->batch, call->slot, stream);
}

void call_unblock_streams(const struct call *call)
{
    if (call->batch)
        batch_unblock_streams(call->batch, call->slot);
}

void call_block_streams(const struct call *call)
{
    if (call->batch)
        batch_block_streams(call->batch, call->slot);
}
