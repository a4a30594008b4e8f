/* SPDX-License-Identifier: MIT */
#include "daemon/call.h"

#include "daemon/context.h"
#include "daemon/session.h"
#include "daemon/stream.h"
#include "proto/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "[", "]" and the LF of a batch's line, and the line being shorter than its limit. */
#define BATCH_FRAME_BYTES 4

static const struct limits *limits_of(const struct call *call)
{
    return call->session->context->turn.limits;
}

/* Each answer to come has its share of the line, so that a long one early on cannot take the room of the rest. */
static size_t batch_budget(const struct call *call)
{
    const struct batch *batch = call->batch;
    size_t line = limits_of(call)->line_bytes - BATCH_FRAME_BYTES - batch->count;
    size_t share = line / batch->count;
    size_t reserved = batch->length + (batch->waiting - 1) * share;

    return reserved < line ? line - reserved : 0;
}

size_t call_budget(const struct call *call)
{
    return call->batch ? batch_budget(call) : limits_of(call)->line_bytes - 2;
}

static struct buffer *out_of(const struct call *call)
{
    return call->batch ? &call->batch->text : &call->session->conn.out;
}

struct buffer *call_begin(struct call *call)
{
    struct buffer *out = out_of(call);

    call->begun_at = out->length;
    return out;
}

bool call_fits(const struct call *call)
{
    const struct buffer *out = out_of(call);

    return !buffer_failed(out) && out->length - call->begun_at <= call_budget(call);
}

bool call_reserve(const struct call *call, size_t length)
{
    struct buffer *out = out_of(call);

    if (buffer_reserve(out, length))
        return true;
    buffer_truncate(out, out->length);
    return false;
}

void call_retract(struct call *call)
{
    buffer_truncate(out_of(call), call->begun_at);
}

static int carry_on_line(struct call *call, int fd)
{
    int result = parcels_add(&call->session->conn.parcels, call->begun_at, &fd, 1);

    if (result == 0)
        unread_add(&call->session->conn.unread);
    return result;
}

int call_carry(struct call *call, int fd)
{
    struct batch *batch = call->batch;

    if (!batch)
        return carry_on_line(call, fd);
    if (batch->session->held_fds == PARCEL_DESCRIPTORS_MAX)
        return -EDQUOT;
    batch->session->held_fds++;
    unread_add(&batch->session->conn.unread);
    batch->answers[call->slot].fd = fd;
    return 0;
}

/* Puts a fault in the place of what was written. */
static void replace(struct call *call, struct buffer *out, const struct fault *fault)
{
    buffer_truncate(out, call->begun_at);
    call->session->context->turn.stats.errors[fault->name]++;
    reply_error(out, call->id, fault);
}

static void set_too_long(const struct call *call, struct fault *ret_fault)
{
    fault_set_limit(ret_fault, FAULT_LIMIT_EXCEEDED, "line_bytes", limits_of(call)->line_bytes,
                    call->batch ? "the answer does not fit into what is left of the batch's line; ask for it alone"
                                : "the answer does not fit into a line; the daemon's operator can allow longer ones");
}

static void check_answer(struct call *call, struct buffer *out)
{
    struct fault fault;

    if (buffer_failed(out)) {
        fault_set(&fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
        replace(call, out, &fault);
    } else if (!call_fits(call)) {
        set_too_long(call, &fault);
        replace(call, out, &fault);
    }
}

/* What waits in a batch is output that the session has not read. */
static void charge(struct batch *batch, size_t bytes)
{
    batch->charged += bytes;
    batch->session->batch_bytes += bytes;
}

/* Each share of the line is meant for what the call answers, so none is charged for a notification. */
static int batch_take_answer(struct call *call)
{
    struct batch *batch = call->batch;
    struct answer *answer = &batch->answers[call->slot];

    answer->text = malloc(batch->text.length);
    if (!answer->text)
        return -ENOMEM;
    answer->length = batch->text.length;
    memcpy(answer->text, buffer_bytes(&batch->text), answer->length);
    batch->length += answer->length;
    charge(batch, answer->length);
    return 0;
}

static void batch_say(struct batch *batch, struct buffer *out)
{
    const char *separator = "[";

    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->answers[i].text)
            continue;
        buffer_append_text(out, separator);
        buffer_append(out, batch->answers[i].text, batch->answers[i].length);
        separator = ",";
    }
    if (batch->length)
        buffer_append_text(out, "]\n");
}

/* The descriptors of all answers go with the array's first byte. Error: -ENOMEM. */
static int batch_send_descriptors(struct batch *batch, size_t at)
{
    int fds[PARCEL_DESCRIPTORS_MAX];
    uint32_t count = 0;
    int result;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->answers[i].fd >= 0)
            fds[count++] = batch->answers[i].fd;
    if (!count)
        return 0;
    result = parcels_add(&batch->session->conn.parcels, at, fds, count);
    if (result < 0)
        return result;
    batch->session->held_fds -= count;
    for (size_t i = 0; i < batch->count; i++)
        batch->answers[i].fd = -1;
    return 0;
}

/* The stream that a request of the batch has registered; NULL: it has not, or it is gone. */
static struct stream *registered_by(const struct batch *batch, size_t slot)
{
    struct loop *loop = batch->session->loop;

    return loop && batch->answers[slot].held ? loop_find(loop, batch->answers[slot].token) : NULL;
}

static void release_streams(const struct batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct stream *stream = registered_by(batch, i);
        if (stream && stream->held_by == batch->serial)
            stream_release(stream);
    }
}

/* Events of the streams registered in it may follow now, and of a loop that was opened in it. */
static void batch_release_streams(const struct batch *batch)
{
    struct loop *loop = batch->session->loop;

    if (loop && loop->held_by == batch->serial) {
        loop->held_by = 0;
        loop_resume(loop);
    }
    release_streams(batch, batch->count);
}

void session_release_streams(struct session *session)
{
    struct batch *batch;

    LIST_FOREACH(batch, &session->batches, entry)
    batch_release_streams(batch);
}

void call_release_streams(const struct call *call)
{
    if (call->batch)
        release_streams(call->batch, call->slot);
}

void call_hold_streams(const struct call *call)
{
    const struct batch *batch = call->batch;

    for (size_t i = 0; batch && batch->waiting > 1 && i < call->slot; i++) {
        struct stream *stream = registered_by(batch, i);
        if (stream && !stream->held_by)
            stream_hold(stream, batch->serial);
    }
}

static void batch_end(struct batch *batch)
{
    struct session *session = batch->session;
    size_t begun_at = session->conn.out.length;

    batch_say(batch, &session->conn.out);
    if (buffer_failed(&session->conn.out) || batch_send_descriptors(batch, begun_at) < 0)
        conn_abort(&session->conn);
    else
        conn_mark_dirty(&session->conn);
    batch_release_streams(batch);
    batch_free(batch);
}

static void end_in_batch(struct call *call)
{
    struct batch *batch = call->batch;

    if (call->id.data && batch_take_answer(call) < 0)
        conn_abort(&call->session->conn);
    buffer_truncate(&batch->text, 0);
    if (--batch->waiting == 0)
        batch_end(batch);
}

static void end_on_line(struct call *call, struct buffer *out)
{
    struct conn *conn = &call->session->conn;

    if (call->id.data) {
        conn_end_line(conn);
        return;
    }
    buffer_truncate(out, call->begun_at);
    conn_mark_dirty(conn);
}

void call_end(struct call *call)
{
    struct buffer *out = out_of(call);

    if (call->id.data) {
        check_answer(call, out);
        call->session->context->turn.stats.replies++;
    }
    if (call->batch)
        end_in_batch(call);
    else
        end_on_line(call, out);
    if (call->waits) {
        call->session->pending_calls--;
        call_drop(call);
    }
}

void call_fault_too_long(struct call *call)
{
    struct fault fault;

    set_too_long(call, &fault);
    call_fault(call, &fault);
}

void call_fault(struct call *call, const struct fault *fault)
{
    if (call->id.data)
        call->session->context->turn.stats.errors[fault->name]++;
    reply_error(call_begin(call), call->id, fault);
    call_end(call);
}

int call_keep(const struct call *call, struct call *ret_call)
{
    char *copy = NULL;

    if (call->id.data) {
        copy = malloc(call->id.length);
        if (!copy)
            return -ENOMEM;
        memcpy(copy, call->id.data, call->id.length);
    }
    *ret_call = *call;
    ret_call->id.data = copy;
    ret_call->waits = true;
    ret_call->session->pending_calls++;
    return 0;
}

void call_drop(struct call *call)
{
    free((char *)call->id.data);
    call->id = (struct span){0};
}

struct batch *batch_new(struct session *session, size_t count, uint32_t serial)
{
    struct batch *batch = calloc(1, sizeof *batch + count * sizeof batch->answers[0]);

    if (!batch)
        return NULL;
    batch->session = session;
    batch->serial = serial;
    batch->waiting = (uint32_t)count;
    batch->count = count;
    for (size_t i = 0; i < count; i++)
        batch->answers[i].fd = -1;
    buffer_init(&batch->text);
    LIST_INSERT_HEAD(&session->batches, batch, entry);
    return batch;
}

void batch_free(struct batch *batch)
{
    LIST_REMOVE(batch, entry);
    batch->session->batch_bytes -= batch->charged;
    conn_schedule_input(&batch->session->conn);
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->answers[i].text);
        if (batch->answers[i].fd >= 0)
            closer_discard(&batch->session->conn.account->closer, batch->answers[i].fd);
    }
    buffer_deinit(&batch->text);
    free(batch);
}
