/* SPDX-License-Identifier: MIT */
/*
 * Named loops that outlive the daemon. Each change of a named loop or of an open stream is recorded at once, for the
 * daemon that starts after a crash. Without a service manager that keeps descriptors, persist_all records the same data
 * just before the next binary reads the ledger (SIGUSR2).
 *
 * Owns the entry numbers in loops and streams. Calls the recorder.
 */
#ifndef MINIMIO_DAEMON_LOOPS_PERSIST_H
#define MINIMIO_DAEMON_LOOPS_PERSIST_H

#include "daemon/loops/loop.h"

/* Records a new loop, a change of delivery or linger, and the end of a loop. */
void persist_loop_added(struct loop *loop);
void persist_loop_changed(const struct loop *loop);
void persist_loop_gone(const struct loop *loop);

/* Records a new open stream, a change of interests, mode or lease, and that a client holds a duplicate. */
void persist_stream_added(struct stream *stream);
void persist_stream_changed(const struct stream *stream);
void persist_stream_adopted(const struct stream *stream);

/* Records the end of a stream. The result and `fd`: as for recorder_remove_stream. */
bool persist_stream_gone(const struct stream *stream, int fd);

/* Whether the service manager holds a duplicate of the descriptor. */
bool persist_has_deposit(const struct stream *stream);

/* Whether the loop would survive a crash of the daemon now. */
bool persist_is_durable(const struct loop *loop);

/* Records all named loops in a new ledger, for the next binary to read at once. Errors: -ENOMEM, -EMFILE. */
int persist_all(struct loops *loops);

/* Stops recording; the recorded entries stay. */
void persist_stop(struct loops *loops);

/* Clears the entry number of each loop and stream. */
void persist_forget_entries(struct loops *loops);

#endif
