/* SPDX-License-Identifier: MIT */
#include "daemon/stream.h"

#include "proto/methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void queue_if_telling(struct stream *stream)
{
    if (stream->pending && !stream->held_by)
        loop_queue(stream->loop, stream);
}

static uint8_t readiness(const struct minimio_event *event)
{
    return (uint8_t)((minimio_event_is_readable(event) ? READY_READABLE : 0) |
                     (minimio_event_is_writable(event) ? READY_WRITABLE : 0) |
                     (minimio_event_is_read_closed(event) ? READY_READ_CLOSED : 0) |
                     (minimio_event_is_write_closed(event) ? READY_WRITE_CLOSED : 0) |
                     (minimio_event_is_error(event) ? READY_ERROR : 0));
}

static void ready(struct source *source, const struct minimio_event *event)
{
    struct stream *stream = container_of(source, struct stream, source);
    uint8_t unasked = (READY_READABLE | READY_WRITABLE) & (uint8_t)~stream->interests;

    stream->pending |= readiness(event) & (uint8_t)~unasked;
    stream->fired = stream->mode == MODE_ONESHOT;
    queue_if_telling(stream);
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

void stream_free(struct reactor *reactor, struct stream *stream)
{
    loop_remove(stream->loop, stream);
    if (stream->watched)
        reactor_unwatch(reactor, minimio_tcp_stream_fd(stream->tcp));
    if (!stream->connecting)
        minimio_tcp_stream_free(stream->tcp);
    reactor_bury(reactor, &stream->source);
}

/* Brings the reactor's view in line with interests and mode. A stream without interests is not watched at all: the
 * queue would tell its hang-up whatever was asked for. */
static int watch(struct reactor *reactor, struct stream *stream, struct minimio_tcp_stream *tcp, bool known)
{
    static const enum minimio_mode modes[] = {
        [MODE_ONESHOT] = MINIMIO_ONESHOT, [MODE_EDGE] = MINIMIO_EDGE, [MODE_LEVEL] = MINIMIO_LEVEL};
    minimio_interests interests = (minimio_interests)((stream->interests & READY_READABLE ? MINIMIO_READABLE : 0) |
                                                      (stream->interests & READY_WRITABLE ? MINIMIO_WRITABLE : 0));
    minimio_fd fd = minimio_tcp_stream_fd(tcp);

    if (interests && known)
        return reactor_rewatch(reactor, fd, &stream->source, interests, modes[stream->mode]);
    if (interests)
        return reactor_watch(reactor, fd, &stream->source, interests, modes[stream->mode]);
    if (known)
        reactor_unwatch(reactor, fd);
    return 0;
}

int stream_open(struct reactor *reactor, struct stream *stream, struct minimio_tcp_stream *tcp)
{
    int result = watch(reactor, stream, tcp, true);

    if (result < 0)
        return result;
    stream->watched = stream->interests != 0;
    stream->connecting = false;
    stream->tcp = tcp;
    return 0;
}

int stream_rearm(struct reactor *reactor, struct stream *stream, uint8_t interests, uint8_t mode)
{
    uint8_t old_interests = stream->interests, old_mode = stream->mode;
    int result;

    stream->interests = interests;
    stream->mode = mode;
    result = watch(reactor, stream, stream->tcp, stream->watched);
    if (result < 0) {
        stream->interests = old_interests;
        stream->mode = old_mode;
        return result;
    }
    stream->watched = interests != 0;
    stream->fired = false;
    stream_told(stream);
    return 0;
}

void stream_release(struct stream *stream)
{
    stream->held_by = 0;
    queue_if_telling(stream);
}

void stream_told(struct stream *stream)
{
    stream->pending = 0;
    loop_unqueue(stream->loop, stream);
}

bool stream_can_speak(const struct stream *stream)
{
    return stream->connecting || stream->pending || (stream->watched && !stream->fired);
}

const char *stream_state(const struct stream *stream)
{
    if (stream->connecting)
        return "connecting";
    return stream->watched && !stream->fired ? "armed" : "disarmed";
}

void stream_addresses(const struct stream *stream, char ret_local[ADDRESS_TEXT_MAX], char ret_peer[ADDRESS_TEXT_MAX])
{
    struct sockaddr_storage address;
    socklen_t length;

    ret_local[0] = ret_peer[0] = '\0';
    if (stream->connecting)
        return;
    if (minimio_tcp_stream_local_addr(stream->tcp, &address, &length) == 0)
        address_format((const struct sockaddr *)&address, ret_local);
    if (minimio_tcp_stream_peer_addr(stream->tcp, &address, &length) == 0)
        address_format((const struct sockaddr *)&address, ret_peer);
}
