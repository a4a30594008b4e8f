/* SPDX-License-Identifier: MIT */
/*
 * A registered stream: connecting, or open and watched as its client asked. Gathers the readiness that is not told
 * yet. What the client sees of it is in PROTOCOL.md, "Registrations and events".
 *
 * There may be very many of them, most of them idle: what only a connecting stream needs is in its pending call.
 */
#ifndef MINIMIO_DAEMON_LOOPS_STREAM_H
#define MINIMIO_DAEMON_LOOPS_STREAM_H

#include "daemon/base/address.h"
#include "daemon/base/fd_kind.h"
#include "daemon/loops/loop.h"
#include "proto/buffer.h"

/* Makes a connecting stream and adds it to its loop, where the token must not be in use. NULL: out of memory. */
struct stream *stream_new(struct loop *loop, uint64_t token, struct span target, uint8_t interests, uint8_t mode);

/* Closes the stream and takes it out of its loop. One that is connecting must have lost its pending call before. */
void stream_free(struct reactor *reactor, struct stream *stream);

/* Likewise a stream that its account counts as a registration. */
void stream_deregister(struct reactor *reactor, struct stream *stream);

/* Turns a connecting stream into an open one that is watched. Takes `fd`, which the reactor knows already, as a
 * oneshot that has disarmed. Errors: those of the registrator; the stream is then still connecting and `fd` the
 * caller's. */
int stream_open(struct reactor *reactor, struct stream *stream, minimio_fd fd);

/* Likewise, with a descriptor of that kind that a client has sent, and that the reactor does not know; whether it
 * carries credentials is set. */
int stream_adopt(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum fd_kind kind);

/* Likewise, with what was kept of a stream that an earlier daemon had: its entry and whether it was adopted are set. */
int stream_restore(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum fd_kind kind);

/*
 * The descriptor of an open stream, now the caller's; nothing watches it any more. The stream is freed, and
 * its account counts it no more. `copy`: a
 * duplicate for a stream that persist_has_deposit, which is held until the service manager has closed its own;
 * or -1.
 */
minimio_fd stream_take(struct reactor *reactor, struct stream *stream, minimio_fd copy);

/* A client is given a duplicate of its descriptor. */
void stream_is_shared(struct stream *stream);

/* Replaces interests and mode of an open stream, forgets what was not told, and has what is ready now reported. */
int stream_rearm(struct reactor *reactor, struct stream *stream, uint8_t interests, uint8_t mode);

/* Rearms an open stream without interests. Cannot fail. */
void stream_clear_interests(struct reactor *reactor, struct stream *stream);

/* Whether each `poll` asks the kernel again if the stream is ready. */
bool stream_is_asked_again(const struct stream *stream);

/* Has the kernel say anew whether a level stream is ready; what was known is forgotten, but not the stream's place. */
int stream_ask(struct reactor *reactor, struct stream *stream);

/* Its events wait for the end of the batch with this serial. */
void stream_block(struct stream *stream, uint32_t batch);

/* They need not wait any more. */
void stream_unblock(struct stream *stream);

/* A session is about to be in its loop. What has become ready since the last session left is told as it is; of all else
 * the kernel is asked what is ready now. */
void stream_reattach(struct reactor *reactor, struct stream *stream);

/* The kernel cannot be asked: what it was to be asked for is told, as readiness is a hint to try. */
void stream_assume_ready(struct stream *stream);

/* What was pending has been told. */
void stream_mark_delivered(struct stream *stream);

/*
 * Whether any stream of the loop can still bring an event without a further request. To be asked only when the
 * session's last request is done: what has been found silent stays silent, and is not looked at again.
 */
bool loop_can_produce_events(struct loop *loop);

/* The batch's report of a stream that was armed again. */
void stream_rearmed(struct rearm *rearm, short seen);

/* "connecting", "armed" or "disarmed". */
const char *stream_state(const struct stream *stream);

/* Numeric addresses of an open stream; "" where there is none. */
void stream_addresses(const struct stream *stream, char ret_local[ADDRESS_TEXT_MAX], char ret_peer[ADDRESS_TEXT_MAX]);

/* ---- Data: stream_io.c ------------------------------------------------------------------------------------------- */

/* Each works on an open stream and never blocks, however its client has set the descriptor up. Errors: -EAGAIN, not
 * now; -ENOTSOCK, it is no socket; and what the system says. */

/*
 * Returns how many bytes were read, or with `peek` only looked at. `*ret_eof`: no more will come. An error that ended
 * the connection is an end too; stream->error keeps it, as the kernel tells it once.
 */
ssize_t stream_read(struct stream *stream, void *buffer, size_t length, bool peek, bool *ret_eof);
ssize_t stream_write(struct stream *stream, struct span data);
int stream_shutdown(const struct stream *stream, enum direction how);

#endif
