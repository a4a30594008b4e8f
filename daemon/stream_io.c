/* SPDX-License-Identifier: MIT */
/*
 * Data in and out of a stream. A descriptor that a client has sent shares its flags with the client's own, who may make
 * it blocking again: each call therefore says for itself that it does not wait.
 */
#include "daemon/stream.h"

#include <errno.h>

static ssize_t receive(int fd, void *buffer, size_t length, int flags)
{
    ssize_t count;

    do
        count = recv(fd, buffer, length, MSG_DONTWAIT | flags);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

/* Of a connection that an error has ended, the kernel tells that error once and the end from then on. */
static bool has_ended(const struct stream *stream)
{
    char byte;

    return stream->kind == DESCRIPTOR_STREAM && receive(stream->fd, &byte, sizeof byte, MSG_PEEK) == 0;
}

ssize_t stream_read(struct stream *stream, void *buffer, size_t length, bool peek, bool *ret_eof)
{
    ssize_t count = receive(stream->fd, buffer, length, peek ? MSG_PEEK : 0);

    if (count < 0 && count != -EAGAIN && has_ended(stream)) {
        stream->error = (uint16_t)-count;
        count = 0;
    }
    *ret_eof = count == 0 && stream->kind == DESCRIPTOR_STREAM;
    return count;
}

ssize_t stream_write(struct stream *stream, struct span data)
{
    ssize_t count;

    do
        count = send(stream->fd, data.data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    if (count >= 0)
        return count;
    if ((errno == ECONNRESET || errno == ETIMEDOUT) && stream->kind == DESCRIPTOR_STREAM)
        stream->error = (uint16_t)errno; /* the next read would not be told */
    return -errno;
}

int stream_shutdown(const struct stream *stream, enum direction how)
{
    static const int directions[] = {
        [DIRECTION_READ] = SHUT_RD, [DIRECTION_WRITE] = SHUT_WR, [DIRECTION_BOTH] = SHUT_RDWR};

    return shutdown(stream->fd, directions[how]) < 0 ? -errno : 0;
}
