/* SPDX-License-Identifier: MIT */
#include "daemon/loops/stream_readiness.h"

#include "daemon/base/fd_kind.h"
#include "daemon/base/invariant.h"
#include "daemon/loops/member.h"
#include "daemon/loops/persist.h"
#include "proto/methods.h"

static void enqueue_if_pending(struct stream *stream)
{
    if (stream->pending && !stream->blocked_by_batch && !stream->holder)
        loop_set_list(stream->loop, stream, LIST_READY);
}

/* Level is a oneshot to the kernel, rearmed by each poll: otherwise a stream that stays ready would wake the daemon
 * again and again. In a loop with push delivery, level is a plain oneshot. */
static bool fires_once(const struct stream *stream)
{
    return stream->interests && stream->mode != MODE_EDGE;
}

bool stream_is_asked_again(const struct stream *stream)
{
    return stream->interests && stream->mode == MODE_LEVEL && stream->loop->delivery == DELIVERY_POLL;
}

static uint8_t readiness(const struct minimio_event *event)
{
    return (uint8_t)((minimio_event_is_readable(event) ? READY_READABLE : 0) |
                     (minimio_event_is_writable(event) ? READY_WRITABLE : 0) |
                     (minimio_event_is_read_closed(event) ? READY_READ_CLOSED : 0) |
                     (minimio_event_is_write_closed(event) ? READY_WRITE_CLOSED : 0) |
                     (minimio_event_is_error(event) ? READY_ERROR : 0));
}

/*
 * A oneshot is edge-triggered in the reactor. On a rearm, a batched poll(2) asks about many streams at once; rearming
 * in epoll takes a system call for each. A stream that became ready while disarmed is EPOLLONESHOT for the next
 * NOISY_REARMS rearms: its data must not wake the daemon while the client is busy.
 */
#define NOISY_REARMS 64

static enum minimio_mode mode_in_reactor(const struct stream *stream)
{
    return fires_once(stream) && (stream->mode == MODE_LEVEL || stream->noisy_rearms) ? MINIMIO_ONESHOT : MINIMIO_EDGE;
}

/* The queue reports the end of a stream for any interest, and refuses a registration without interests. A stream
 * without interests is watched for room, edge-triggered: data does not wake the daemon. Room is reported on a rearm and
 * after a full buffer; stream_ready ignores the report. */
static minimio_interests interests_in_reactor(const struct stream *stream)
{
    if (!stream->interests)
        return MINIMIO_WRITABLE;
    return (minimio_interests)((stream->interests & READY_READABLE ? MINIMIO_READABLE : 0) |
                               (stream->interests & READY_WRITABLE ? MINIMIO_WRITABLE : 0));
}

/* Applies interests and mode in the reactor. */
int stream_watch(struct reactor *reactor, struct stream *stream, minimio_fd fd, bool known)
{
    minimio_interests interests = interests_in_reactor(stream);

    if (known)
        return reactor_rewatch(reactor, fd, &stream->source, interests, mode_in_reactor(stream));
    if (stream->kind != FD_KIND_OTHER)
        return reactor_watch_socket(reactor, fd, &stream->source, interests, mode_in_reactor(stream));
    return reactor_watch(reactor, fd, &stream->source, interests, mode_in_reactor(stream));
}

/* Makes the reactor report current readiness. */
static void force_report(struct stream *stream)
{
    /* Changing an existing registration of an open descriptor cannot fail. */
    (void)stream_watch(stream->loop->loops->reactor, stream, stream->fd, true);
}

/* Rearming as ONESHOT yields one more event, which stream_ready ignores; then the kernel is quiet. */
static void demote(struct stream *stream)
{
    if (mode_in_reactor(stream) == MINIMIO_ONESHOT)
        return;
    stream->noisy_rearms = NOISY_REARMS;
    force_report(stream);
}

static void stream_add_pending(struct stream *stream, uint8_t bits)
{
    if (!stream->pending)
        stream->pending_epoch = stream->loop->epoch;
    stream->pending |= bits;
}

/* Whether `pending` was set before the last session detached, and may be out of date. */
static bool is_inherited(const struct stream *stream)
{
    return stream->pending && stream->pending_epoch != stream->loop->epoch;
}

static inline void become_ready(struct stream *stream, uint8_t bits)
{
    stream_add_pending(stream, bits);
    stream->disarmed = fires_once(stream);
    enqueue_if_pending(stream);
}

/* The reactor reports closed ends and errors, because poll(2) does not tell which end is closed. */
void stream_rearmed(struct rearm *rearm, short seen)
{
    struct stream *stream = container_of(rearm, struct stream, rearm);

    if (seen & ~(POLLIN | POLLOUT))
        force_report(stream);
    else if (seen)
        become_ready(stream, (uint8_t)((seen & POLLIN ? READY_READABLE : 0) | (seen & POLLOUT ? READY_WRITABLE : 0)));
}

/* Asks at the end of the slice whether the stream is ready. */
static void rearm_later(struct stream *stream)
{
    short events = (short)((stream->interests & READY_READABLE ? POLLIN : 0) |
                           (stream->interests & READY_WRITABLE ? POLLOUT : 0) | POLLRDHUP);

    rearm_batch_add(&stream->loop->loops->rearm, &stream->rearm, stream->fd, events);
}

/* Each closed flag becomes pending once per rearm. */
static void become_closed(struct stream *stream, uint8_t bits)
{
    bits &= (uint8_t)~stream->closed_seen;
    stream->closed_seen |= bits;
    stream_add_pending(stream, bits);
    enqueue_if_pending(stream);
}

void stream_ready(struct source *source, const struct minimio_event *event)
{
    struct stream *stream = container_of(source, struct stream, source);
    uint8_t unasked = (READY_READABLE | READY_WRITABLE) & (uint8_t)~stream->interests;
    uint8_t bits = readiness(event) & (uint8_t)~unasked;

    if (stream->disarmed)
        demote(stream);
    else if (!stream->interests)
        become_closed(stream, bits);
    else
        become_ready(stream, bits);
}

static void forget_readiness(struct stream *stream)
{
    stream->disarmed = stream->ended = false;
    stream->pending = stream->closed_seen = 0;
}

int stream_ask(struct reactor *reactor, struct stream *stream)
{
    int result = stream_watch(reactor, stream, stream->fd, true);

    if (result == 0)
        forget_readiness(stream);
    return result;
}

/* Whether the stream is armed with the same interests and mode, and did not fire: the reactor reports readiness anyway.
 */
static bool is_armed_with(const struct stream *stream, uint8_t interests, uint8_t mode)
{
    return fires_once(stream) && !stream->disarmed && !stream->pending && stream->interests == interests &&
           stream->mode == mode;
}

static void stream_set_mode(struct stream *stream, uint8_t mode)
{
    stream->loop->lasting_count -= stream->mode != MODE_ONESHOT;
    stream->mode = mode;
    stream->loop->lasting_count += stream->mode != MODE_ONESHOT;
}

/* Applies new interests and mode. If epoll's mask is unchanged, a poll(2) at the end of the slice suffices. */
static int stream_watch_as(struct reactor *reactor, struct stream *stream, uint8_t interests, uint8_t mode)
{
    uint8_t old_interests = stream->interests, old_mode = stream->mode, old_noisy_rearms = stream->noisy_rearms;
    bool is_edge = mode_in_reactor(stream) == MINIMIO_EDGE;
    int result;

    stream->interests = interests;
    stream_set_mode(stream, mode);
    if (stream->noisy_rearms)
        stream->noisy_rearms--;
    if (is_edge && mode_in_reactor(stream) == MINIMIO_EDGE && interests == old_interests) {
        loop_set_list(stream->loop, stream, LIST_NONE);
        rearm_later(stream);
        return 0;
    }
    result = stream_watch(reactor, stream, stream->fd, true);
    if (result < 0) {
        stream->interests = old_interests;
        stream_set_mode(stream, old_mode);
        stream->noisy_rearms = old_noisy_rearms;
        return result;
    }
    loop_set_list(stream->loop, stream, LIST_NONE);
    rearm_batch_remove(&stream->loop->loops->rearm, &stream->rearm);
    return 0;
}

/* A lease continues. Errors: those of the registrator. */
static int stream_arm(struct reactor *reactor, struct stream *stream, uint8_t interests, uint8_t mode)
{
    int result;

    if (is_armed_with(stream, interests, mode))
        return 0;
    result = stream_watch_as(reactor, stream, interests, mode);
    if (result < 0)
        return result;
    forget_readiness(stream);
    persist_stream_changed(stream);
    return 0;
}

int stream_rearm(struct reactor *reactor, struct stream *stream, uint8_t interests, uint8_t mode)
{
    bool was_told = stream->holder || stream->redelivered;
    int result = stream_arm(reactor, stream, interests, mode);

    if (result < 0 || !was_told)
        return result;
    member_end_lease(stream);
    persist_stream_changed(stream);
    return 0;
}

/* The kernel accepts each change of a registration. After a refusal, the batch asks again at the end of the slice, and
 * the reactor reports more than the client wants until then; stream_ready ignores the surplus. */
void stream_clear_interests(struct reactor *reactor, struct stream *stream)
{
    if (stream->holder && stream->interests)
        stream->leased_interests = stream->interests;
    if (stream_arm(reactor, stream, 0, stream->mode) == 0)
        return;
    stream->interests = 0;
    forget_readiness(stream);
    loop_set_list(stream->loop, stream, LIST_NONE);
    rearm_later(stream);
    persist_stream_changed(stream);
}

void stream_block(struct stream *stream, uint32_t batch)
{
    stream->blocked_by_batch = batch;
    if (stream->list == LIST_READY)
        loop_set_list(stream->loop, stream, LIST_NONE);
}

void stream_unblock(struct stream *stream)
{
    stream->blocked_by_batch = 0;
    enqueue_if_pending(stream);
}

/* Whether current readiness is known: pending since the last session detached, in a mode that does not disarm. Without
 * interests, readiness counts as unknown, to deliver the closed flags again. */
static bool is_known(const struct stream *stream)
{
    return stream->interests && stream->pending && !is_inherited(stream) && !stream->disarmed;
}

void stream_assume_ready(struct stream *stream)
{
    INVARIANT(!stream->connecting);
    if (!stream->interests) { /* a closed flag is not a hint: ask the kernel again at the end of the slice */
        stream->closed_seen = stream->pending;
        rearm_later(stream);
        return;
    }
    stream_add_pending(stream, stream->interests);
    enqueue_if_pending(stream);
}

void stream_reattach(struct reactor *reactor, struct stream *stream)
{
    if (!is_known(stream) && stream_arm(reactor, stream, stream->interests, stream->mode) < 0)
        stream_assume_ready(stream);
}

/* The stream has interests again that a take cleared: the next holder must be told. */
void stream_abandon(struct reactor *reactor, struct stream *stream)
{
    uint8_t interests = stream->leased_interests;

    if (stream->interests || !interests) {
        stream_reattach(reactor, stream);
    } else if (stream_arm(reactor, stream, interests, stream->mode) < 0) {
        stream->interests = interests;
        stream_assume_ready(stream);
    }
}

void stream_forget_pending(struct stream *stream)
{
    const uint8_t ends = READY_READ_CLOSED | READY_WRITE_CLOSED;

    stream->ended |= (stream->pending & ends) == ends;
    stream->pending = 0;
    loop_set_list(stream->loop, stream, stream_is_asked_again(stream) ? LIST_DELIVERED : LIST_NONE);
}

bool stream_mark_delivered(struct stream *stream)
{
    stream_forget_pending(stream);
    if (!stream->redelivered)
        return false;
    stream->redelivered = 0;
    persist_stream_changed(stream);
    return true;
}

/* Whether both closed flags were delivered. An `error` may still follow, e.g. for data that the peer never
 * acknowledged; the error is delivered, but no session waits for an error. */
static bool has_delivered_ends(const struct stream *stream)
{
    const uint8_t ends = READY_READ_CLOSED | READY_WRITE_CLOSED;

    return !stream->interests && (stream->closed_seen & (uint8_t)~stream->pending & ends) == ends;
}

static bool can_produce_events(const struct stream *stream)
{
    return stream->connecting || stream->pending ||
           (!stream->disarmed && !stream->ended && !has_delivered_ends(stream));
}

bool loop_can_produce_events(struct loop *loop)
{
    uint64_t before = loop->min_live_token - 1;
    struct stream *stream;

    /* With poll delivery only a poll gets events: after the last request, only a pending poll, which the session
     * counts. */
    if (loop->delivery == DELIVERY_POLL)
        return false;
    stream = loop_next(loop, loop->min_live_token ? &before : NULL);
    while (stream && !can_produce_events(stream))
        stream = loop_next_stream(stream);
    loop->min_live_token = stream ? stream->token : UINT64_MAX;
    return stream != NULL;
}

const char *stream_state(const struct stream *stream)
{
    if (stream->connecting)
        return "connecting";
    if (has_delivered_ends(stream))
        return "disarmed";
    return !stream->disarmed || stream_is_asked_again(stream) ? "armed" : "disarmed";
}
