/* SPDX-License-Identifier: MIT */
/*
 * Named loops that outlive the daemon: each change of a named loop or of its open streams is recorded as it happens, so
 * that a daemon that was killed finds them again. Where no service manager keeps descriptors, the same is recorded when
 * the next binary is about to read it (SIGUSR2).
 *
 * Owns the entry numbers in loops and streams. Calls the recorder.
 */
#ifndef MINIMIO_DAEMON_LOOPS_PERSIST_H
#define MINIMIO_DAEMON_LOOPS_PERSIST_H

#include "daemon/loops/loop.h"

/* A loop is new, was set up anew, or is about to go. */
void persist_loop_added(struct loop *loop);
void persist_loop_changed(const struct loop *loop);
void persist_loop_gone(const struct loop *loop);

/* Likewise an open stream of a loop. */
void persist_stream_added(struct stream *stream);
void persist_stream_changed(const struct stream *stream);
void persist_stream_adopted(const struct stream *stream);

/* Likewise a stream that is about to go. The result and `fd`: as of recorder_remove_stream. */
bool persist_stream_gone(const struct stream *stream, int fd);

/* Whether the service manager has a duplicate of its descriptor. */
bool persist_has_deposit(const struct stream *stream);

/* Whether the loop would be there again if the daemon were killed now. */
bool persist_is_durable(const struct loop *loop);

/* Records all named loops in a new ledger, for a binary that is to read it now. Errors: -ENOMEM, -EMFILE. */
int persist_all(struct loops *loops);

/* Records nothing from here on, and leaves what is recorded as it is. */
void persist_stop(struct loops *loops);

/* No loop or stream is in a ledger any more. */
void persist_forget_entries(struct loops *loops);

#endif
