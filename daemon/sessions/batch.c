/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/batch.h"

#include "daemon/base/invariant.h"
#include "daemon/loops/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "[", "]", the LF of a batch's line, and one byte, because a line must be shorter than the limit. */
#define BATCH_FRAME_BYTES 4

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

/* Reserves a share of the line for each later answer, so an early long answer cannot use the whole line. */
size_t batch_budget(const struct batch *batch)
{
    size_t line = batch->session->conn.limits->line_bytes - BATCH_FRAME_BYTES - batch->count;
    size_t per_answer = line / batch->count;
    size_t reserved = batch->length + (batch->unanswered - 1) * per_answer;

    return reserved < line ? line - reserved : 0;
}

int batch_carry(struct batch *batch, size_t slot, int fd)
{
    struct session *session = batch->session;

    INVARIANT(slot < batch->count && batch->answers[slot].fd < 0);
    if (session->held_fds == FD_OUTBOX_MAX)
        return -EDQUOT;
    session->held_fds++;
    unread_add(&session->conn.unread);
    batch->answers[slot].fd = fd;
    return 0;
}

/* Answers in a batch count as unread output of the session. */
static void batch_charge(struct batch *batch, size_t bytes)
{
    batch->charged += bytes;
    batch->session->batch_bytes += bytes;
}

int batch_add_answer(struct batch *batch, size_t slot)
{
    struct answer *answer = &batch->answers[slot];

    INVARIANT(slot < batch->count && !answer->text);
    if (batch->session->conn.output_dead)
        return 0; /* nobody will read the answer */
    answer->text = malloc(batch->text.length);
    if (!answer->text)
        return -ENOMEM;
    answer->length = batch->text.length;
    memcpy(answer->text, buffer_bytes(&batch->text), answer->length);
    batch->length += answer->length;
    batch_charge(batch, answer->length);
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

/* Queues the descriptors of all answers, to be sent with the first byte of the array. Error: -ENOMEM. */
static int batch_send_descriptors(struct batch *batch, size_t at)
{
    int fds[FD_OUTBOX_MAX];
    uint32_t count = 0;
    int result;

    for (size_t i = 0; i < batch->count; i++)
        if (batch->answers[i].fd >= 0)
            fds[count++] = batch->answers[i].fd;
    if (!count)
        return 0;
    result = fd_outbox_add(&batch->session->conn.outbox, at, fds, count);
    if (result < 0)
        return result;
    INVARIANT(batch->session->held_fds >= count);
    batch->session->held_fds -= count;
    for (size_t i = 0; i < batch->count; i++)
        batch->answers[i].fd = -1;
    return 0;
}

/* ---- Blocked events --------------------------------------------------------------------------------------------- */

/* The stream registered by the request of this slot. NULL: not a register, or the stream is closed. */
static struct stream *batch_stream_of(const struct batch *batch, size_t slot)
{
    struct loop *loop = session_loop(batch->session);

    return loop && batch->answers[slot].held ? loop_find(loop, batch->answers[slot].token) : NULL;
}

static void batch_unblock_first(const struct batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct stream *stream = batch_stream_of(batch, i);
        if (stream && stream->blocked_by_batch == batch->serial)
            stream_unblock(stream);
    }
}

/* Unblocks the events of streams registered, and of a loop opened, in the batch. */
static void batch_unblock_all(const struct batch *batch)
{
    struct member *member = &batch->session->member;

    if (member->loop && member->blocked_by_batch == batch->serial) {
        member->blocked_by_batch = 0;
        member_update(member);
    }
    batch_unblock_first(batch, batch->count);
}

void batches_unblock_streams(struct session *session)
{
    struct batch *batch;

    LIST_FOREACH(batch, &session->batches, entry)
        batch_unblock_all(batch);
}

void batch_block_stream(struct batch *batch, size_t slot, struct stream *stream)
{
    stream->blocked_by_batch = batch->serial;
    batch->answers[slot].held = true;
    batch->answers[slot].token = stream->token;
}

void batch_unblock_streams(const struct batch *batch, size_t slot)
{
    batch_unblock_first(batch, slot);
}

void batch_block_streams(const struct batch *batch, size_t slot)
{
    for (size_t i = 0; batch->unanswered > 1 && i < slot; i++) {
        struct stream *stream = batch_stream_of(batch, i);
        if (stream && !stream->blocked_by_batch)
            stream_block(stream, batch->serial);
    }
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

struct batch *batch_new(struct session *session, size_t count, uint32_t serial)
{
    struct batch *batch = calloc(1, sizeof *batch + count * sizeof batch->answers[0]);

    if (!batch)
        return NULL;
    batch->session = session;
    batch->serial = serial;
    batch->unanswered = (uint32_t)count;
    batch->count = count;
    for (size_t i = 0; i < count; i++)
        batch->answers[i].fd = -1;
    buffer_init(&batch->text);
    LIST_INSERT_HEAD(&session->batches, batch, entry);
    return batch;
}

void batch_free(struct batch *batch)
{
    INVARIANT(batch->session->batch_bytes >= batch->charged);
    LIST_REMOVE(batch, entry);
    batch->session->batch_bytes -= batch->charged;
    conn_schedule_input(&batch->session->conn);
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->answers[i].text);
        if (batch->answers[i].fd >= 0)
            close_untrusted(&batch->session->conn.account->closer, batch->answers[i].fd);
    }
    buffer_deinit(&batch->text);
    reactor_defer_free(&batch->session->context->turn.reactor, &batch->memory);
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
    batch_unblock_all(batch);
    batch_free(batch);
}

void batch_end_slot(struct batch *batch)
{
    INVARIANT(batch->unanswered > 0);
    buffer_truncate(&batch->text, 0);
    if (--batch->unanswered == 0)
        batch_end(batch);
}
