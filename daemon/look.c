/* SPDX-License-Identifier: MIT */
#include "daemon/look.h"

#include "daemon/stream.h"

static short wanted(const struct stream *stream)
{
    return (short)((stream->interests & READY_READABLE ? POLLIN : 0) |
                   (stream->interests & READY_WRITABLE ? POLLOUT : 0) | POLLRDHUP);
}

void look_add(struct look *look, struct stream *stream)
{
    if (stream->looked_at)
        return;
    if (look->count == LOOK_MAX)
        look_finish(look);
    look->asked[look->count] = (struct pollfd){.fd = stream->fd, .events = wanted(stream)};
    look->streams[look->count++] = stream;
    stream->looked_at = true;
}

void look_remove(struct look *look, struct stream *stream)
{
    nfds_t i = 0;

    if (!stream->looked_at)
        return;
    while (look->streams[i] != stream)
        i++;
    look->streams[i] = look->streams[--look->count];
    look->asked[i] = look->asked[look->count];
    stream->looked_at = false;
}

/* What is seen beside data and room, the reactor tells anew: it knows which ends are closed. */
static void report(struct stream *stream, short seen)
{
    if (seen & ~(POLLIN | POLLOUT))
        stream_tell_anew(stream);
    else if (seen)
        stream_is_ready(stream,
                        (uint8_t)((seen & POLLIN ? READY_READABLE : 0) | (seen & POLLOUT ? READY_WRITABLE : 0)));
}

void look_finish(struct look *look)
{
    /* It may want memory, or meet a signal. */
    bool failed = look->count && poll(look->asked, look->count, 0) < 0;

    for (nfds_t i = 0; i < look->count; i++) {
        look->streams[i]->looked_at = false;
        report(look->streams[i], failed ? POLLERR : look->asked[i].revents);
    }
    look->count = 0;
}
