/* SPDX-License-Identifier: MIT */
/*
 * Answers a request: on a separate line, in the array of a batch, or not at all, for a notification.
 *
 * Owns no state. Calls the session's connection, and the batch.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_CALL_H
#define MINIMIO_DAEMON_SESSIONS_CALL_H

#include "daemon/sessions/session.h"

/* Begins the answer. Returns the buffer; until call_end, the caller may append only the answer. */
struct buffer *call_begin(struct call *call);

/* The maximal length of the answer, in bytes. Only lists can exceed the budget of a call outside a batch. */
size_t call_budget(const struct call *call);

/* Whether call_end will send the written answer unchanged. */
bool call_fits(const struct call *call);

/* Reserves memory for an answer of this length. False: out of memory. */
bool call_reserve(const struct call *call, size_t length);

/* Rolls back to call_begin. */
void call_retract(struct call *call);

/*
 * Takes a descriptor to send with the begun answer of a call with an id. Errors: -ENOMEM; -EDQUOT, the session's open
 * batches hold FD_OUTBOX_MAX descriptors. The descriptor then stays the caller's.
 */
int call_carry(struct call *call, int fd);

/*
 * Ends the call and queues the written answer. An answer that exceeds memory becomes INTERNAL; an answer that exceeds
 * the line becomes LIMIT_EXCEEDED.
 */
void call_end(struct call *call);

/* Answers with `fault`; answers with LIMIT_EXCEEDED of line_bytes. */
void call_fault(struct call *call, const struct fault *fault);
void call_fault_too_long(struct call *call);

/* Makes a pending call, answered later: `*ret_call` owns a copy of the id. Error: -ENOMEM. */
int call_keep(const struct call *call, struct call *ret_call);

/* In a batch, holds events of the stream, registered by the call, until the batch's replies are written. */
void call_block_stream(const struct call *call, struct stream *stream);

/*
 * In a batch, unblocks events of the streams registered before this call: the answer of the call may contain the
 * events, because the answer follows the replies to the registers. Once the call is answered, call_block_streams holds
 * further events until the array is written.
 */
void call_unblock_streams(const struct call *call);
void call_block_streams(const struct call *call);

/* Frees a pending call without an answer: the session is closed. */
void call_drop(struct call *call);

#endif
