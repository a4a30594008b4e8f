/* SPDX-License-Identifier: MIT */
/*
 * Answers a request: on a line of its own, in a batch's array, or not at all, for a notification.
 *
 * Owns no state. Calls the session's connection, and the batch.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_CALL_H
#define MINIMIO_DAEMON_SESSIONS_CALL_H

#include "daemon/sessions/session.h"

/* The buffer for the answer, of which nothing but this answer may be written until call_end. */
struct buffer *call_begin(struct call *call);

/* How long the answer may be; whole numbers of it always suffice for anything but lists. */
size_t call_budget(const struct call *call);

/* Whether what is written of the answer will go out as it is. */
bool call_fits(const struct call *call);

/* Makes sure of memory for an answer of this length. False: there is none. */
bool call_reserve(const struct call *call, size_t length);

/* Takes back what is written, so that another answer can begin. */
void call_retract(struct call *call);

/*
 * Takes a descriptor to go with the answer that was begun, which has an id. Errors: -ENOMEM; -EDQUOT, the session's
 * open batches have as many as can go at once; it is the caller's still.
 */
int call_carry(struct call *call, int fd);

/*
 * The answer is written: sends it on its way. One that did not fit into memory becomes INTERNAL, one that did not
 * fit into its line LIMIT_EXCEEDED. The call is over.
 */
void call_end(struct call *call);

/* Answers with a fault; with the one that there is no room for the answer. */
void call_fault(struct call *call, const struct fault *fault);
void call_fault_too_long(struct call *call);

/* Makes a call that is answered later: `*ret_call` keeps a copy of the id. Error: -ENOMEM. */
int call_keep(const struct call *call, struct call *ret_call);

/* The events of a stream that the call registers in a batch come after the batch's replies. */
void call_block_stream(const struct call *call, struct stream *stream);

/*
 * The events of the streams that were registered before this call in its batch may come with its answer, which stands
 * behind the replies to their registers; and, when it is answered, they wait for the array again.
 */
void call_unblock_streams(const struct call *call);
void call_block_streams(const struct call *call);

/* A kept call that will not be answered any more: its session is gone. */
void call_drop(struct call *call);

#endif
