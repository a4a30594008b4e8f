/* SPDX-License-Identifier: MIT */
/*
 * A registered stream: connecting, or open and watched as the client asked. Accumulates undelivered readiness. For the
 * client's view, see PROTOCOL.md, "Registrations and events".
 *
 * Owns the descriptor of an open stream. Calls the loop, the reactor, the rearm batch, persist and the closer.
 */
#ifndef MINIMIO_DAEMON_LOOPS_STREAM_H
#define MINIMIO_DAEMON_LOOPS_STREAM_H

#include "daemon/base/address.h"
#include "daemon/base/fd_kind.h"
#include "daemon/loops/loop.h"
#include "proto/buffer.h"

/* Makes a connecting stream and adds the stream to the loop. The token must not be in use. NULL: out of memory. */
struct stream *stream_new(struct loop *loop, uint64_t token, struct span target, uint8_t interests, uint8_t mode);

/* Closes the stream and removes the stream from its loop. A connecting stream must have no pending call. */
void stream_free(struct reactor *reactor, struct stream *stream);

/* Frees a stream and its registration in the account. */
void stream_deregister(struct reactor *reactor, struct stream *stream);

/* Opens a connecting stream, and watches `fd`, which the reactor holds as a disarmed oneshot. Takes `fd`. Errors: those
 * of the registrator; the stream stays connecting and `fd` the caller's. */
int stream_open(struct reactor *reactor, struct stream *stream, minimio_fd fd);

/* Opens a connecting stream with a client's descriptor of this kind, unknown to the reactor. stream->credentials must
 * be set. Ownership and errors as for stream_open. */
int stream_adopt(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum fd_kind kind);

/* Opens a connecting stream with a descriptor from an earlier daemon. stream->entry and stream->adopted must be set.
 * Ownership and errors as for stream_open. */
int stream_restore(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum fd_kind kind);

/*
 * Returns the descriptor of an open stream, unwatched and owned by the caller. Frees the stream and its registration in
 * the account. `copy`: -1, or, if persist_has_deposit, a duplicate, held until the service manager has closed its own.
 */
minimio_fd stream_take(struct reactor *reactor, struct stream *stream, minimio_fd copy);

/* Notes that a client gets a duplicate of the descriptor. */
void stream_is_shared(struct stream *stream);

/* Replaces interests and mode of an open stream, forgets undelivered readiness, ends the lease, and reports current
 * readiness. Errors: those of the registrator; the stream is unchanged. */
int stream_rearm(struct reactor *reactor, struct stream *stream, uint8_t interests, uint8_t mode);

/* Rearms an open stream without interests. A lease continues. Cannot fail. */
void stream_clear_interests(struct reactor *reactor, struct stream *stream);

/* Whether each `poll` asks the kernel again about the stream: level mode in a loop with poll delivery. */
bool stream_is_asked_again(const struct stream *stream);

/* Asks the kernel again whether a level stream is ready. Forgets the known readiness; the stream keeps its position. */
int stream_ask(struct reactor *reactor, struct stream *stream);

/* Holds the events of the stream until the batch with this serial is answered. */
void stream_block(struct stream *stream, uint32_t batch);

/* Stops holding the events. */
void stream_unblock(struct stream *stream);

/* Rearms the stream for the next owner or worker, unless current readiness is known: pending since the last owner or
 * worker has left. */
void stream_reattach(struct reactor *reactor, struct stream *stream);

/* Rearms the stream after its holder has left, with the interests that the stream had when the lease began, if
 * stream_clear_interests has cleared them since. */
void stream_abandon(struct reactor *reactor, struct stream *stream);

/* Reports all interests as ready, because the kernel could not be asked. Readiness is only a hint. */
void stream_assume_ready(struct stream *stream);

/* The READY_ bits of the stream's next event. */
static inline uint8_t stream_event(const struct stream *stream)
{
    return stream->pending | stream->redelivered;
}

/* Marks the pending readiness as delivered; and, to the owner, a redelivery. Returns whether it was a redelivery. */
void stream_forget_pending(struct stream *stream);
bool stream_mark_delivered(struct stream *stream);

/* Whether the connection can still be used: not reset, not shut down for writing, not ended by the peer with nothing
 * left to read. Asks the kernel. For TCP streams. */
bool stream_is_alive(const struct stream *stream);

/*
 * Whether any stream of the loop can still produce an event without a further request. Call only after the owner's
 * last request: the loop remembers which streams cannot, and does not check again.
 */
bool loop_can_produce_events(struct loop *loop);

/* The `report` of the rearm batch. */
void stream_rearmed(struct rearm *rearm, short seen);

/* "connecting", "armed" or "disarmed". */
const char *stream_state(const struct stream *stream);

/* Numeric addresses of an open stream; "" for no address. */
void stream_addresses(const struct stream *stream, char ret_local[ADDRESS_TEXT_MAX], char ret_peer[ADDRESS_TEXT_MAX]);

/* ---- Data: stream_io.c ------------------------------------------------------------------------------------------ */

/* These functions take an open stream and never block, even if the client made the descriptor blocking. Errors:
 * -EAGAIN, try later; -ENOTSOCK, not a socket; and those of the system call. */

/*
 * Returns the number of bytes read, or peeked. `*ret_eof`: end of the input. An error that ended the connection is an
 * end too; stream->error keeps the errno, because the kernel reports the error once.
 */
ssize_t stream_read(struct stream *stream, void *buffer, size_t length, bool peek, bool *ret_eof);
ssize_t stream_write(struct stream *stream, struct span data);
int stream_shutdown(const struct stream *stream, enum direction how);

#endif
