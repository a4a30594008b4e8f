/* SPDX-License-Identifier: MIT */
/*
 * A JSON-RPC batch: its answers, gathered until the last is there, and the events that come after them.
 *
 * Owns the answers and the descriptors that go with them. Calls the session's connection, and streams.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_BATCH_H
#define MINIMIO_DAEMON_SESSIONS_BATCH_H

#include "daemon/sessions/session.h"

/* Ends with its last answer; its memory is freed as the turn ends, so a caller may still look at it. */
struct batch {
    struct deferred_free memory; /* the first member */
    struct session *session;
    LIST_ENTRY(batch) entry;
    uint32_t serial;    /* what holds back the events of streams registered in it; never 0 */
    uint32_t waiting;   /* calls without an answer yet */
    size_t length;      /* of the answers so far */
    size_t charged;     /* bytes counted in the session's batch_bytes */
    struct buffer text; /* the answer being written */
    size_t count;
    struct answer {
        char *text; /* NULL: none */
        size_t length;
        int fd;         /* goes with it; -1: none */
        uint64_t token; /* registered by this call, if `held` */
        bool held;
    } answers[];
};

/* Makes a batch of `count` calls, all of which must be answered or dropped with the session. NULL: out of memory. */
struct batch *batch_new(struct session *session, size_t count, uint32_t serial);
void batch_free(struct batch *batch);

/* How long the next answer may be: each answer to come keeps its share of the line. */
size_t batch_budget(const struct batch *batch);

/* Takes a descriptor to go with the answer of this slot. Error: -EDQUOT, the session's open batches have as many as can
 * go at once; it is the caller's still. */
int batch_carry(struct batch *batch, size_t slot, int fd);

/* Takes `text` as the answer of this slot. Error: -ENOMEM. */
int batch_add_answer(struct batch *batch, size_t slot);

/* The call of a slot is over. After the last one the answers go out. */
void batch_end_slot(struct batch *batch);

/* The events of a stream that this slot registers come after the batch's replies. */
void batch_block_stream(struct batch *batch, size_t slot, struct stream *stream);

/* The events of the streams that the slots before this one have registered need not wait; or they wait again. */
void batch_unblock_streams(const struct batch *batch, size_t slot);
void batch_block_streams(const struct batch *batch, size_t slot);

/* The session leaves its loop: its batches hold no events back any more. */
void batches_unblock_streams(struct session *session);

#endif
