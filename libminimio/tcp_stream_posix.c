/* SPDX-License-Identifier: MIT */
/* The system calls of a stream on POSIX. Owns the result of connecting: `connected` and `connect_error`. */
#include "libminimio/tcp_stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* With malloc's header a stream takes 32 bytes. */
_Static_assert(sizeof(struct minimio_tcp_stream) <= 24 || sizeof(void *) != 8, "a stream is to be small");

/* Slices are passed to the kernel as iovecs, without a copy. */
_Static_assert(sizeof(struct minimio_slice) == sizeof(struct iovec) &&
                   offsetof(struct minimio_slice, base) == offsetof(struct iovec, iov_base) &&
                   offsetof(struct minimio_slice, length) == offsetof(struct iovec, iov_len),
               "a slice is not laid out as an iovec");

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

/* Platforms without MSG_NOSIGNAL have SO_NOSIGPIPE for all calls. */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

void tcp_stream_close_fd(minimio_fd fd)
{
    close(fd);
}

void tcp_stream_registered(struct minimio_tcp_stream *stream)
{
    /* The kernel reports a shutdown to every registration, also to a registration made later. */
    (void)stream;
}

/* ---- Sockets ---------------------------------------------------------------------------------------------------- */

static int set_flag(int fd, int get, int set, int flag)
{
    int flags = fcntl(fd, get);

    if (flags < 0 || (!(flags & flag) && fcntl(fd, set, flags | flag) < 0))
        return -errno;
    return 0;
}

/* Sets non-blocking and close-on-exec; on macOS also SO_NOSIGPIPE, because some versions lack MSG_NOSIGNAL. */
static int configure_socket(int fd)
{
    int result = set_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK);

    if (result == 0)
        result = set_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC);
#ifdef __APPLE__
    static const int on = 1;
    /* EINVAL: the socket is already shut down, and sends no signal. */
    if (result == 0 && setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) < 0 && errno != EINVAL)
        result = -errno;
#endif
    return result;
}

static int open_socket(int family)
{
#ifdef SOCK_NONBLOCK
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

    return fd < 0 ? -errno : fd;
#else
    int fd = socket(family, SOCK_STREAM, IPPROTO_TCP);
    int result = fd < 0 ? -errno : configure_socket(fd);

    if (result < 0 && fd >= 0)
        close(fd);
    return result < 0 ? result : fd;
#endif
}

/* ---- Connecting ------------------------------------------------------------------------------------------------- */

int minimio_tcp_stream_connect(const struct sockaddr *address, socklen_t address_length,
                               struct minimio_tcp_stream **ret_stream)
{
    int result;

    assert(address && ret_stream);
    if (address_length < offsetof(struct sockaddr, sa_data))
        return -EINVAL;
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    int fd = open_socket(address->sa_family);
    if (fd < 0)
        return fd;
    /* EINTR: the connection attempt continues. */
    if (connect(fd, address, address_length) < 0 && errno != EINPROGRESS && errno != EINTR) {
        result = -errno;
        goto out;
    }
    /* Not marked connected, even if connect succeeded at once: finish_connect checks for a self-connection. */
    result = tcp_stream_new(fd, false, ret_stream);
out:
    if (result < 0)
        close(fd);
    return result;
}

int minimio_tcp_stream_from_fd(minimio_fd fd, struct minimio_tcp_stream **ret_stream)
{
    struct minimio_tcp_stream *stream;
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;

    assert(ret_stream);
    bool connected = getpeername(fd, (struct sockaddr *)&peer, &length) == 0;
    if (!connected && (errno == EBADF || errno == ENOTSOCK))
        return -errno;
    int result = tcp_stream_new(fd, connected, &stream);
    if (result < 0)
        return result;
    result = configure_socket(fd);
    if (result < 0) {
        minimio_tcp_stream_take_fd(stream);
        return result;
    }
    *ret_stream = stream;
    return 0;
}

/* Until the stream is connected, the first error from any call is the reason of the failure: the kernel reports the
 * error only once. */
static void keep_connect_error(struct minimio_tcp_stream *stream, int error)
{
    if (!stream->connected && stream->connect_error == 0 && !tcp_stream_is_error_of_call(error))
        stream->connect_error = (int16_t)error;
}

int minimio_tcp_stream_take_error(struct minimio_tcp_stream *stream)
{
    int error = 0;
    socklen_t length = sizeof error;

    assert(stream);
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        return -errno;
    keep_connect_error(stream, error);
    return -error;
}

static bool has_port(const struct sockaddr_storage *address)
{
    in_port_t port;

    memcpy(&port,
           (const char *)address + (address->ss_family == AF_INET6 ? offsetof(struct sockaddr_in6, sin6_port)
                                                                   : offsetof(struct sockaddr_in, sin_port)),
           sizeof port);
    return port != 0;
}

/*
 * Is an unconnected socket without an error still connecting? A failed attempt reports POLLHUP. A socket without a
 * connect call also reports POLLHUP on Linux; on other systems such a socket has no local port.
 */
static bool is_connecting(int fd)
{
    struct pollfd ask = {.fd = fd, .events = POLLOUT};
    struct sockaddr_storage local = {0};
    socklen_t length = sizeof local;

    if (poll(&ask, 1, 0) > 0 && (ask.revents & (POLLHUP | POLLNVAL)))
        return false;
    return getsockname(fd, (struct sockaddr *)&local, &length) == 0 && has_port(&local);
}

static bool is_self_connected(int fd, const struct sockaddr_storage *peer)
{
    struct sockaddr_storage local = {0};
    socklen_t length = sizeof local;

    return getsockname(fd, (struct sockaddr *)&local, &length) == 0 && tcp_stream_is_same_end(&local, peer);
}

/* Resets the connection: an orderly close would occupy the port for a minute, and the port's server may be about to
 * start. If the system cannot dissolve the connection, the later close sends the reset. */
static void abort_connection(int fd)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    const struct linger at_once = {.l_onoff = 1};

    if (connect(fd, &nobody, sizeof nobody) < 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* A self-connection means that no server listens: the system chose the destination port as local port. */
static int finish_connected(struct minimio_tcp_stream *stream, const struct sockaddr_storage *peer)
{
    if (is_self_connected(stream->fd, peer)) {
        abort_connection(stream->fd);
        stream->connect_error = ECONNREFUSED;
        return -ECONNREFUSED;
    }
    stream->connected = true;
    return 0;
}

/* getpeername comes first, because the peer is known only while connected: a pending error is then no error of
 * connecting. */
int minimio_tcp_stream_finish_connect(struct minimio_tcp_stream *stream)
{
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;

    assert(stream);
    if (stream->connected)
        return 0;
    if (stream->connect_error != 0)
        return -stream->connect_error;
    if (getpeername(stream->fd, (struct sockaddr *)&peer, &length) == 0)
        return finish_connected(stream, &peer);
    if (errno != ENOTCONN && errno != EINVAL) /* macOS returns EINVAL after the end of a connection */
        return -errno;
    minimio_tcp_stream_take_error(stream);
    if (stream->connect_error != 0)
        return -stream->connect_error;
    if (is_connecting(stream->fd))
        return -EINPROGRESS;
    /* The attempt may have failed after the first SO_ERROR. */
    minimio_tcp_stream_take_error(stream);
    return stream->connect_error != 0 ? -stream->connect_error : -ENOTCONN;
}

/* ---- Reading and writing ---------------------------------------------------------------------------------------- */

/* Converts the result of a system call to a return value of the library. */
static ssize_t finish_io(struct minimio_tcp_stream *stream, ssize_t result)
{
    if (result >= 0)
        return result;
    /* On macOS EPROTOTYPE means that the peer is closing the connection. */
    int error = errno == EPROTOTYPE ? EPIPE : errno;
    keep_connect_error(stream, error);
    return -error;
}

ssize_t minimio_tcp_stream_read(struct minimio_tcp_stream *stream, void *buffer, size_t length)
{
    assert(stream);
    return finish_io(stream, recv(stream->fd, buffer, length, 0));
}

ssize_t minimio_tcp_stream_peek(struct minimio_tcp_stream *stream, void *buffer, size_t length)
{
    assert(stream);
    return finish_io(stream, recv(stream->fd, buffer, length, MSG_PEEK));
}

ssize_t minimio_tcp_stream_write(struct minimio_tcp_stream *stream, const void *buffer, size_t length)
{
    assert(stream);
    return finish_io(stream, send(stream->fd, buffer, length, MSG_NOSIGNAL));
}

static struct msghdr message_of(const struct minimio_slice *slices, int count)
{
    return (struct msghdr){
        .msg_iov = (struct iovec *)(uintptr_t)slices,
        .msg_iovlen = count < IOV_MAX ? (size_t)count : IOV_MAX,
    };
}

ssize_t minimio_tcp_stream_read_vectored(struct minimio_tcp_stream *stream, const struct minimio_slice *slices,
                                         int count)
{
    assert(stream && (slices || count <= 0));
    if (count < 0)
        return -EINVAL;
    struct msghdr message = message_of(slices, count);
    return finish_io(stream, recvmsg(stream->fd, &message, 0));
}

ssize_t minimio_tcp_stream_write_vectored(struct minimio_tcp_stream *stream, const struct minimio_slice *slices,
                                          int count)
{
    assert(stream && (slices || count <= 0));
    if (count < 0)
        return -EINVAL;
    struct msghdr message = message_of(slices, count);
    return finish_io(stream, sendmsg(stream->fd, &message, MSG_NOSIGNAL));
}

int minimio_tcp_stream_shutdown(struct minimio_tcp_stream *stream, enum minimio_shutdown how)
{
    int direction;

    assert(stream);
    switch (how) {
    case MINIMIO_SHUTDOWN_READ:
        direction = SHUT_RD;
        break;
    case MINIMIO_SHUTDOWN_WRITE:
        direction = SHUT_WR;
        break;
    case MINIMIO_SHUTDOWN_BOTH:
        direction = SHUT_RDWR;
        break;
    default:
        return -EINVAL;
    }
    return shutdown(stream->fd, direction) < 0 ? -errno : 0;
}

/* ---- Options and addresses -------------------------------------------------------------------------------------- */

int tcp_stream_set_option(struct minimio_tcp_stream *stream, int level, int name, uint32_t value)
{
    int option = (int)value;

    return setsockopt(stream->fd, level, name, &option, sizeof option) < 0 ? -errno : 0;
}

int tcp_stream_get_option(struct minimio_tcp_stream *stream, int level, int name, uint32_t *ret_value)
{
    int option = 0;
    socklen_t length = sizeof option;

    if (getsockopt(stream->fd, level, name, &option, &length) < 0)
        return -errno;
    *ret_value = (uint32_t)option;
    return 0;
}

int tcp_stream_family(struct minimio_tcp_stream *stream)
{
    struct sockaddr_storage local = {0};
    socklen_t length = sizeof local;

    return getsockname(stream->fd, (struct sockaddr *)&local, &length) < 0 ? -errno : local.ss_family;
}

/* `result` is the result of getsockname or getpeername. */
static int store_address(int result, const struct sockaddr_storage *address, socklen_t length,
                         struct sockaddr_storage *ret_address, socklen_t *ret_length)
{
    if (result < 0)
        return -errno;
    *ret_address = *address;
    *ret_length = length;
    return 0;
}

int minimio_tcp_stream_local_addr(struct minimio_tcp_stream *stream, struct sockaddr_storage *ret_address,
                                  socklen_t *ret_length)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;

    assert(stream && ret_address && ret_length);
    int result = getsockname(stream->fd, (struct sockaddr *)&address, &length);
    return store_address(result, &address, length, ret_address, ret_length);
}

int minimio_tcp_stream_peer_addr(struct minimio_tcp_stream *stream, struct sockaddr_storage *ret_address,
                                 socklen_t *ret_length)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;

    assert(stream && ret_address && ret_length);
    int result = getpeername(stream->fd, (struct sockaddr *)&address, &length);
    if (result < 0 && errno == EINVAL) /* macOS, after the end of a connection */
        errno = ENOTCONN;
    return store_address(result, &address, length, ret_address, ret_length);
}
