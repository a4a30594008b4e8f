/* SPDX-License-Identifier: MIT */
/*
 * The readiness of a stream: what the reactor watches, what is pending, and arming. Accumulates undelivered readiness.
 *
 * Owns the readiness of streams. Calls the loop, members, the reactor, the rearm batch and persist.
 */
#ifndef MINIMIO_DAEMON_LOOPS_STREAM_READINESS_H
#define MINIMIO_DAEMON_LOOPS_STREAM_READINESS_H

#include "daemon/loops/loop.h"

/* The `ready` of the stream's source. */
void stream_ready(struct source *source, const struct minimio_event *event);

/* Applies interests and mode in the reactor. `known`: the reactor holds the descriptor. Errors: those of the
 * registrator.
 */
int stream_watch(struct reactor *reactor, struct stream *stream, minimio_fd fd, bool known);

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

/*
 * Whether any stream of the loop can still produce an event without a further request. Call only after the owner's
 * last request: the loop remembers which streams cannot, and does not check again.
 */
bool loop_can_produce_events(struct loop *loop);

/* The `report` of the rearm batch. */
void stream_rearmed(struct rearm *rearm, short seen);

/* "connecting", "armed" or "disarmed". */
const char *stream_state(const struct stream *stream);

#endif
