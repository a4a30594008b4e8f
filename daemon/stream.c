/* SPDX-License-Identifier: MIT */
#include "daemon/stream.h"

#include "daemon/durable.h"
#include "daemon/policy.h"
#include "proto/methods.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void queue_if_telling(struct stream *stream)
{
    if (stream->pending && !stream->held_by)
        loop_place(stream->loop, stream, STREAM_READY);
}

/* Level is a oneshot, armed again by each poll that asks: else a stream that stays ready would wake the daemon without
 * end. In a loop that pushes it is a oneshot altogether. */
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
 * A oneshot is edge-triggered in the reactor: whether it is ready when it is armed again, one look tells of many
 * streams at once, where telling the reactor takes a call for each. One that has become ready while nobody had armed it
 * is a oneshot there as well, for so many armings: a stream's data is not to wake the daemon for a client that is busy.
 */
#define LOUD_ARMINGS 64

static enum minimio_mode mode_in_reactor(const struct stream *stream)
{
    return fires_once(stream) && (stream->mode == MODE_LEVEL || stream->loud) ? MINIMIO_ONESHOT : MINIMIO_EDGE;
}

/* The queue reports the end of a stream with any interest, and refuses a registration without one. A stream without
 * interests waits for room, edge-triggered: data that arrives then wakes nobody, and room is reported when the stream
 * is armed and after its buffer was full, which is ignored. */
static minimio_interests interests_in_reactor(const struct stream *stream)
{
    if (!stream->interests)
        return MINIMIO_WRITABLE;
    return (minimio_interests)((stream->interests & READY_READABLE ? MINIMIO_READABLE : 0) |
                               (stream->interests & READY_WRITABLE ? MINIMIO_WRITABLE : 0));
}

/* Brings the reactor's view in line with interests and mode. */
static int watch(struct reactor *reactor, struct stream *stream, minimio_fd fd, bool known)
{
    minimio_interests interests = interests_in_reactor(stream);

    if (known)
        return reactor_rewatch(reactor, fd, &stream->source, interests, mode_in_reactor(stream));
    if (stream->kind != DESCRIPTOR_OTHER)
        return reactor_watch_socket(reactor, fd, &stream->source, interests, mode_in_reactor(stream));
    return reactor_watch(reactor, fd, &stream->source, interests, mode_in_reactor(stream));
}

void stream_tell_anew(struct stream *stream)
{
    /* What is registered and open can always be changed. */
    (void)watch(stream->loop->loops->reactor, stream, stream->fd, true);
}

/* The reactor tells it once more, which is ignored, and is silent then. */
static void hush(struct stream *stream)
{
    if (mode_in_reactor(stream) == MINIMIO_ONESHOT)
        return;
    stream->loud = LOUD_ARMINGS;
    stream_tell_anew(stream);
}

static void add_pending(struct stream *stream, uint8_t bits)
{
    if (!stream->pending)
        stream->pending_epoch = stream->loop->epoch;
    stream->pending |= bits;
}

/* Pending since before a session left, who may have acted on it. */
static bool is_stale(const struct stream *stream)
{
    return stream->pending && stream->pending_epoch != stream->loop->epoch;
}

static inline void become_ready(struct stream *stream, uint8_t bits)
{
    add_pending(stream, bits);
    stream->fired = fires_once(stream);
    queue_if_telling(stream);
}

void stream_is_ready(struct stream *stream, uint8_t bits)
{
    become_ready(stream, bits);
}

/* Each flag becomes pending once until the stream is armed again. */
static void closed(struct stream *stream, uint8_t bits)
{
    bits &= (uint8_t)~stream->closed_seen;
    stream->closed_seen |= bits;
    add_pending(stream, bits);
    queue_if_telling(stream);
}

static void ready(struct source *source, const struct minimio_event *event)
{
    struct stream *stream = container_of(source, struct stream, source);
    uint8_t unasked = (READY_READABLE | READY_WRITABLE) & (uint8_t)~stream->interests;
    uint8_t bits = readiness(event) & (uint8_t)~unasked;

    if (stream->fired)
        hush(stream);
    else if (!stream->interests)
        closed(stream, bits);
    else
        become_ready(stream, bits);
}

struct stream *stream_new(struct loop *loop, uint64_t token, struct span target, uint8_t interests, uint8_t mode)
{
    struct stream *stream = calloc(1, sizeof *stream + target.length);

    if (!stream)
        return NULL;
    stream->source.ready = ready;
    stream->loop = loop;
    stream->token = token;
    stream->interests = interests;
    stream->mode = mode;
    stream->connecting = true;
    stream->target_length = (uint16_t)target.length;
    if (target.length)
        memcpy(stream->target, target.data, target.length);
    loop_add(loop, stream);
    return stream;
}

/* All of it but the descriptor. Returns whether `held` was taken, as the service manager has the stream too. */
static bool bury(struct reactor *reactor, struct stream *stream, minimio_fd held)
{
    bool is_held = durable_stream_gone(stream->loop->loops->durable, stream, held);

    look_remove(&stream->loop->loops->look, stream);
    loop_remove(stream->loop, stream);
    if (!stream->connecting)
        reactor_unwatch(reactor, stream->fd);
    reactor_bury(reactor, &stream->source);
    return is_held;
}

/* The peer of a stream that the daemon has connected, and that nobody else was given, does not wait for the manager. */
static void end_held(const struct stream *stream)
{
    if (!stream->adopted)
        shutdown(stream->fd, SHUT_RDWR);
}

void stream_free(struct reactor *reactor, struct stream *stream)
{
    struct closer *closer = &stream->loop->account->closer;

    if (bury(reactor, stream, stream->connecting ? -1 : stream->fd)) {
        end_held(stream);
        return;
    }
    if (stream->connecting)
        return;
    if (!stream->adopted)
        close(stream->fd);
    else if (stream->credentials || closer->stranger) /* a Unix socket's queue may hold anything */
        closer_put(closer, stream->fd);
    else
        descriptor_close(stream->fd);
}

minimio_fd stream_take(struct reactor *reactor, struct stream *stream, minimio_fd copy)
{
    if (!bury(reactor, stream, copy) && copy >= 0)
        close(copy);
    return stream->fd;
}

void stream_is_shared(struct stream *stream)
{
    stream->adopted = true;
    durable_stream_adopted(stream->loop->loops->durable, stream);
}

static int open_with(struct reactor *reactor, struct stream *stream, minimio_fd fd, bool known)
{
    int result = watch(reactor, stream, fd, known);

    if (result < 0)
        return result;
    stream->connecting = false;
    stream->fd = fd;
    if (!stream->entry)
        durable_stream_added(stream->loop->loops->durable, stream);
    return 0;
}

int stream_open(struct reactor *reactor, struct stream *stream, minimio_fd fd)
{
    stream->kind = DESCRIPTOR_STREAM;
    return open_with(reactor, stream, fd, true);
}

int stream_restore(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum descriptor_kind kind)
{
    stream->kind = (uint8_t)kind;
    return open_with(reactor, stream, fd, false);
}

int stream_adopt(struct reactor *reactor, struct stream *stream, minimio_fd fd, enum descriptor_kind kind)
{
    stream->adopted = true;
    return stream_restore(reactor, stream, fd, kind);
}

static void forget_readiness(struct stream *stream)
{
    stream->fired = stream->over = false;
    stream->pending = stream->closed_seen = 0;
}

int stream_ask(struct reactor *reactor, struct stream *stream)
{
    int result = watch(reactor, stream, stream->fd, true);

    if (result == 0)
        forget_readiness(stream);
    return result;
}

/* Armed and silent since: what is ready now, the reactor is about to tell anyway. */
static bool is_armed_so(const struct stream *stream, uint8_t interests, uint8_t mode)
{
    return fires_once(stream) && !stream->fired && !stream->pending && stream->interests == interests &&
           stream->mode == mode;
}

/* Takes what is new, and has the reactor know it, which mostly does: then a look is all it takes. */
static int watch_as(struct reactor *reactor, struct stream *stream, uint8_t interests, uint8_t mode)
{
    uint8_t old_interests = stream->interests, old_mode = stream->mode, old_loud = stream->loud;
    bool is_edge = mode_in_reactor(stream) == MINIMIO_EDGE;
    int result;

    stream->interests = interests;
    stream->mode = mode;
    if (stream->loud)
        stream->loud--;
    if (is_edge && mode_in_reactor(stream) == MINIMIO_EDGE && interests == old_interests) {
        loop_place(stream->loop, stream, STREAM_NOWHERE);
        look_add(&stream->loop->loops->look, stream);
        return 0;
    }
    result = watch(reactor, stream, stream->fd, true);
    if (result < 0) {
        stream->interests = old_interests;
        stream->mode = old_mode;
        stream->loud = old_loud;
        return result;
    }
    loop_place(stream->loop, stream, STREAM_NOWHERE);
    look_remove(&stream->loop->loops->look, stream);
    return 0;
}

int stream_rearm(struct reactor *reactor, struct stream *stream, uint8_t interests, uint8_t mode)
{
    int result;

    if (is_armed_so(stream, interests, mode))
        return 0;
    result = watch_as(reactor, stream, interests, mode);
    if (result < 0)
        return result;
    forget_readiness(stream);
    durable_stream_changed(stream->loop->loops->durable, stream);
    return 0;
}

/* The kernel always accepts the change of a registration. Should it refuse, it is asked again as the turn ends; until
 * then it reports more than is wanted, which `ready` ignores. */
void stream_clear_interests(struct reactor *reactor, struct stream *stream)
{
    if (stream_rearm(reactor, stream, 0, stream->mode) == 0)
        return;
    stream->interests = 0;
    forget_readiness(stream);
    loop_place(stream->loop, stream, STREAM_NOWHERE);
    look_add(&stream->loop->loops->look, stream);
    durable_stream_changed(stream->loop->loops->durable, stream);
}

void stream_hold(struct stream *stream, uint32_t batch)
{
    stream->held_by = batch;
    if (stream->place == STREAM_READY)
        loop_place(stream->loop, stream, STREAM_NOWHERE);
}

void stream_release(struct stream *stream)
{
    stream->held_by = 0;
    queue_if_telling(stream);
}

/* What has become ready since its session left, is known; whether a oneshot still is what it fired for, is not. Without
 * interests, closed flags that were told before are told again. */
static bool is_known(const struct stream *stream)
{
    return stream->interests && stream->pending && !is_stale(stream) && !stream->fired;
}

void stream_hint(struct stream *stream)
{
    if (!stream->interests) { /* a closed flag is no hint: the kernel is asked once more as the turn ends */
        stream->closed_seen = stream->pending;
        look_add(&stream->loop->loops->look, stream);
        return;
    }
    add_pending(stream, stream->interests);
    queue_if_telling(stream);
}

void stream_rejoin(struct reactor *reactor, struct stream *stream)
{
    if (!is_known(stream) && stream_rearm(reactor, stream, stream->interests, stream->mode) < 0)
        stream_hint(stream);
}

void stream_told(struct stream *stream)
{
    const uint8_t ends = READY_READ_CLOSED | READY_WRITE_CLOSED;

    stream->over |= (stream->pending & ends) == ends;
    stream->pending = 0;
    loop_place(stream->loop, stream, stream_is_asked_again(stream) ? STREAM_TOLD : STREAM_NOWHERE);
}

/* An `error` may still come after both closed flags, as of data that the peer never acknowledged: it is told, and not
 * waited for. */
static bool has_told_ends(const struct stream *stream)
{
    const uint8_t ends = READY_READ_CLOSED | READY_WRITE_CLOSED;

    return !stream->interests && (stream->closed_seen & (uint8_t)~stream->pending & ends) == ends;
}

bool stream_can_speak(const struct stream *stream)
{
    return stream->connecting || stream->pending || (!stream->fired && !stream->over && !has_told_ends(stream));
}

const char *stream_state(const struct stream *stream)
{
    if (stream->connecting)
        return "connecting";
    if (has_told_ends(stream))
        return "disarmed";
    return !stream->fired || stream_is_asked_again(stream) ? "armed" : "disarmed";
}

void stream_addresses(const struct stream *stream, char ret_local[ADDRESS_TEXT_MAX], char ret_peer[ADDRESS_TEXT_MAX])
{
    if (!stream->connecting) {
        address_of_socket(stream->fd, getsockname, ret_local);
        address_of_socket(stream->fd, getpeername, ret_peer);
    } else {
        ret_local[0] = ret_peer[0] = '\0';
    }
}
