/* SPDX-License-Identifier: MIT */
/*
 * Data in and out of a stream. A descriptor that a client has sent shares its flags with the client's own, who may make
 * it blocking again: each call therefore says for itself that it does not wait.
 */
#include "daemon/stream.h"

#include <errno.h>

ssize_t stream_read(const struct stream *stream, void *buffer, size_t length, bool peek, bool *ret_eof)
{
    ssize_t count;

    do
        count = recv(stream->fd, buffer, length, MSG_DONTWAIT | (peek ? MSG_PEEK : 0));
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return -errno;
    *ret_eof = count == 0 && stream->kind == DESCRIPTOR_STREAM;
    return count;
}

ssize_t stream_write(const struct stream *stream, struct span data)
{
    ssize_t count;

    do
        count = send(stream->fd, data.data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : count;
}

int stream_shutdown(const struct stream *stream, enum direction how)
{
    static const int directions[] = {
        [DIRECTION_READ] = SHUT_RD, [DIRECTION_WRITE] = SHUT_WR, [DIRECTION_BOTH] = SHUT_RDWR};

    return shutdown(stream->fd, directions[how]) < 0 ? -errno : 0;
}
