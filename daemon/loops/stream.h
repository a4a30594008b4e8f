/* SPDX-License-Identifier: MIT */
/*
 * A registered stream: connecting, or open and watched as the client asked. For the client's view, see
 * PROTOCOL.md, "Registrations and events".
 *
 * Owns the descriptor of an open stream. Calls the readiness, the loop, the reactor, persist and the closer.
 */
#ifndef MINIMIO_DAEMON_LOOPS_STREAM_H
#define MINIMIO_DAEMON_LOOPS_STREAM_H

#include "daemon/base/address.h"
#include "daemon/base/fd_kind.h"
#include "daemon/loops/stream_readiness.h"
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

/* Numeric addresses of an open stream; "" for no address. */
void stream_addresses(const struct stream *stream, char ret_local[ADDRESS_TEXT_MAX], char ret_peer[ADDRESS_TEXT_MAX]);

/* Whether the connection can still be used: not reset, not shut down for writing, not ended by the peer with nothing
 * left to read. Asks the kernel. For TCP streams. */
bool stream_is_alive(const struct stream *stream);

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
