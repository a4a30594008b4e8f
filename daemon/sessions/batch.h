/* SPDX-License-Identifier: MIT */
/*
 * A JSON-RPC batch: collects the answers until the last, and holds events back until the array of answers is written.
 *
 * Owns the answers and their descriptors. Calls the session's connection, and streams.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_BATCH_H
#define MINIMIO_DAEMON_SESSIONS_BATCH_H

#include "daemon/sessions/session.h"

/* The last answer ends the batch. The memory is freed at the end of the turn, because callers may still read members.
 */
struct batch {
    struct deferred_free memory; /* the first member */
    struct session *session;
    LIST_ENTRY(batch) entry;
    uint32_t serial;     /* the `blocked_by_batch` of streams registered in the batch; never 0 */
    uint32_t unanswered; /* calls without an answer */
    size_t length;       /* bytes of the answers so far */
    size_t charged;      /* bytes counted in the session's batch_bytes */
    struct buffer text;  /* the answer being written */
    size_t count;
    struct answer {
        char *text; /* NULL: none */
        size_t length;
        int fd;         /* sent with the answer; -1: none */
        uint64_t token; /* registered by this call, if `held` */
        bool held;
    } answers[];
};

/* Makes a batch of `count` calls. Each call must be answered, or the session freed. NULL: out of memory. */
struct batch *batch_new(struct session *session, size_t count, uint32_t serial);

/* Drops the answers, and defers the free of the batch to the end of the turn. */
void batch_free(struct batch *batch);

/* The maximal length of the next answer, in bytes. Each later answer keeps an equal share of the line. */
size_t batch_budget(const struct batch *batch);

/* Takes a descriptor to send with the answer of this slot. Error: -EDQUOT, the session's open batches hold
 * FD_OUTBOX_MAX descriptors; the descriptor stays the caller's. */
int batch_carry(struct batch *batch, size_t slot, int fd);

/* Takes `text` as the answer of this slot. Error: -ENOMEM. */
int batch_add_answer(struct batch *batch, size_t slot);

/* Ends the call of a slot. The end of the last call writes the answers. */
void batch_end_slot(struct batch *batch);

/* Holds events of the stream, registered by this slot, until the batch's replies are written. */
void batch_block_stream(struct batch *batch, size_t slot, struct stream *stream);

/* Unblocks, and blocks again, events of the streams registered by earlier slots. */
void batch_unblock_streams(const struct batch *batch, size_t slot);
void batch_block_streams(const struct batch *batch, size_t slot);

/* Unblocks the events that the session's batches hold: the session detaches from its loop. */
void batches_unblock_streams(struct session *session);

#endif
