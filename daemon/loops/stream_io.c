/* SPDX-License-Identifier: MIT */
/*
 * Data in and out of a stream. A descriptor from a client shares its file flags with the client's descriptor, and the
 * client may clear O_NONBLOCK at any time: each call therefore passes MSG_DONTWAIT.
 */
#include "daemon/loops/stream.h"

#include "daemon/accounts/accounts.h"

#include <errno.h>
#include <netinet/tcp.h>

/* The peer of a Unix socket may send descriptors with the data. The protocol cannot pass descriptors on, and recv would
 * let the kernel close them in this thread, which may block. */
static ssize_t receive_without_descriptors(const struct stream *stream, void *buffer, size_t length)
{
    struct fd_queue received = {0};
    bool truncated;
    ssize_t count;

    fd_passing_prepare(stream->fd);
    count = fd_queue_receive(&received, stream->fd, buffer, length, &truncated);
    close_untrusted_all(&stream->loop->account->closer, &received);
    return count;
}

static ssize_t receive_once(const struct stream *stream, void *buffer, size_t length, int flags)
{
    ssize_t count;

    if (stream->credentials && !(flags & MSG_PEEK))
        return receive_without_descriptors(stream, buffer, length);
    count = recv(stream->fd, buffer, length, MSG_DONTWAIT | flags);
    return count < 0 ? -errno : count;
}

static ssize_t stream_receive(const struct stream *stream, void *buffer, size_t length, int flags)
{
    ssize_t count;

    do
        count = receive_once(stream, buffer, length, flags);
    while (count == -EINTR);
    return count;
}

/* Whether the connection has ended. The kernel reports the error of a connection once, and end of file from then on. */
static bool has_ended(const struct stream *stream)
{
    char byte;

    return stream->kind == FD_KIND_STREAM && stream_receive(stream, &byte, sizeof byte, MSG_PEEK) == 0;
}

ssize_t stream_read(struct stream *stream, void *buffer, size_t length, bool peek, bool *ret_eof)
{
    ssize_t count = stream_receive(stream, buffer, length, peek ? MSG_PEEK : 0);

    if (count < 0 && count != -EAGAIN && has_ended(stream)) {
        stream->error = (uint16_t)-count;
        count = 0;
    }
    *ret_eof = count == 0 && stream->kind == FD_KIND_STREAM;
    return count;
}

/* After the peer's end the kernel still has the bytes that were not read. */
bool stream_is_alive(const struct stream *stream)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    char byte;

    if (getsockopt(stream->fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
        return false;
    return info.tcpi_state == TCP_ESTABLISHED ||
           (info.tcpi_state == TCP_CLOSE_WAIT && stream_receive(stream, &byte, sizeof byte, MSG_PEEK) > 0);
}

ssize_t stream_write(struct stream *stream, struct span data)
{
    ssize_t count;

    do
        count = send(stream->fd, data.data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    if (count >= 0)
        return count;
    if ((errno == ECONNRESET || errno == ETIMEDOUT) && stream->kind == FD_KIND_STREAM)
        stream->error = (uint16_t)errno; /* the kernel reports the error once, so the next read needs a copy */
    return -errno;
}

int stream_shutdown(const struct stream *stream, enum direction how)
{
    static const int directions[] = {
        [DIRECTION_READ] = SHUT_RD, [DIRECTION_WRITE] = SHUT_WR, [DIRECTION_BOTH] = SHUT_RDWR};

    return shutdown(stream->fd, directions[how]) < 0 ? -errno : 0;
}
