/* SPDX-License-Identifier: MIT */
/*
 * The calls of a stream on Winsock. Owns the flags of struct minimio_tcp_stream that only Windows uses.
 *
 * A call that exhausts the socket re-arms the stream's edge-triggered registrations: a call that would block, and a
 * call that transferred less than requested, because at this moment the socket had no more.
 */
#include "libminimio/tcp_stream.h"

#include "libminimio/event.h"
#include "libminimio/selector_windows.h"
#include "libminimio/winsock_windows.h"

#include <windows.h>
#include <mswsock.h>
#include <mstcpip.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>

/* Windows has no IOV_MAX; at most this number of slices is copied to the stack. */
#define SLICES_MAX 1024

void tcp_stream_close_fd(minimio_fd fd)
{
    closesocket(fd);
}

/* ---- Connecting ------------------------------------------------------------------------------------------------- */

static int set_non_blocking(SOCKET fd)
{
    u_long on = 1;

    return ioctlsocket(fd, FIONBIO, &on) != 0 ? winsock_last_error() : 0;
}

/*
 * Windows retries a refused connection twice, at intervals of half a second, in case the peer is about to listen.
 * Retries on the loopback have no use. Systems before Windows 10 may refuse the setting.
 */
static void disable_loopback_retries(SOCKET fd, const struct sockaddr *address)
{
    TCP_INITIAL_RTO_PARAMETERS once = {TCP_INITIAL_RTO_UNSPECIFIED_RTT, TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS};
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
    DWORD length;

    if (address->sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) : v4->sin_addr.S_un.S_un_b.s_b1 == 127)
        WSAIoctl(fd, SIO_TCP_INITIAL_RTO, &once, sizeof once, NULL, 0, &length, NULL, NULL);
}

static int start_connect(SOCKET fd, const struct sockaddr *address, socklen_t address_length)
{
    int result = set_non_blocking(fd);

    if (result < 0)
        return result;
    disable_loopback_retries(fd, address);
    if (connect(fd, address, address_length) != 0 && WSAGetLastError() != WSAEWOULDBLOCK)
        return winsock_last_error();
    return 0;
}

int minimio_tcp_stream_connect(const struct sockaddr *address, socklen_t address_length,
                               struct minimio_tcp_stream **ret_stream)
{
    assert(address && ret_stream);
    if (address_length < (socklen_t)offsetof(struct sockaddr, sa_data))
        return -EINVAL;
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    /* Winsock would return WSAEFAULT. */
    if (address_length <
        (socklen_t)(address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)))
        return -EINVAL;
    int result = winsock_start();
    if (result < 0)
        return result;
    SOCKET fd = WSASocketW(address->sa_family, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (fd == INVALID_SOCKET)
        return winsock_last_error();
    result = start_connect(fd, address, address_length);
    if (result == 0)
        result = tcp_stream_new(fd, false, ret_stream);
    if (result < 0)
        closesocket(fd);
    else
        (*ret_stream)->connecting = true; /* even if connected at once: finish_connect checks for a self-connection */
    return result;
}

/* An unconnected socket with a local address is connecting, because connect binds the socket. */
static bool is_bound(SOCKET fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    return getsockname(fd, (struct sockaddr *)&address, &length) == 0;
}

/* SO_CONNECT_TIME is the only option that shows whether a socket is connected. */
static bool is_connected(SOCKET fd)
{
    DWORD seconds = 0;
    int length = sizeof seconds;

    return getsockopt(fd, SOL_SOCKET, SO_CONNECT_TIME, (char *)&seconds, &length) == 0 && seconds != (DWORD)-1;
}

int minimio_tcp_stream_from_fd(minimio_fd fd, struct minimio_tcp_stream **ret_stream)
{
    struct minimio_tcp_stream *stream;
    SOCKET base;

    assert(ret_stream);
    int result = winsock_start();
    if (result == 0)
        result = winsock_base_socket(fd, &base);
    if (result < 0)
        return result == -EPERM ? -ENOTSOCK : result;
    bool connected = is_connected(fd);
    result = tcp_stream_new(fd, connected, &stream);
    if (result < 0)
        return result;
    stream->connecting = !connected && is_bound(fd);
    result = set_non_blocking(fd);
    if (result == 0 && !SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, 0))
        result = -EBADF;
    if (result < 0) {
        minimio_tcp_stream_take_fd(stream);
        return result;
    }
    *ret_stream = stream;
    return 0;
}

/* Remembers an error that the caller receives; the system would return the error again and again. */
static void remember_error(struct minimio_tcp_stream *stream, int error)
{
    if (tcp_stream_is_error_of_call(error))
        return;
    stream->error_delivered = true;
    if (!stream->connected && stream->connect_error == 0)
        stream->connect_error = (int16_t)error;
}

/* The error of connecting, or a reset. SO_ERROR does not report a reset, but the next call would. */
static int pending_error(struct minimio_tcp_stream *stream)
{
    int error = 0, length = sizeof error;
    char byte;

    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, (char *)&error, &length) != 0)
        return -winsock_last_error();
    if (error != 0)
        return -winsock_error(error);
    if (!stream->connected || recv(stream->fd, &byte, 1, MSG_PEEK) >= 0)
        return 0;
    error = -winsock_last_error();
    return tcp_stream_is_error_of_call(error) ? 0 : error;
}

int minimio_tcp_stream_take_error(struct minimio_tcp_stream *stream)
{
    assert(stream);
    if (stream->error_delivered)
        return 0;
    int error = pending_error(stream);
    remember_error(stream, error);
    return -error;
}

static bool is_self_connected(SOCKET fd)
{
    struct sockaddr_storage local = {0}, peer = {0};
    socklen_t length = sizeof local, peer_length = sizeof peer;

    return getsockname(fd, (struct sockaddr *)&local, &length) == 0 &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_length) == 0 && tcp_stream_is_same_end(&local, &peer);
}

/* A self-connection means that no server listens: the system chose the destination port as local port. The close
 * resets the connection, because an orderly close would occupy the port, and the port's server may be about to
 * start. */
static int finish_connected(struct minimio_tcp_stream *stream)
{
    const struct linger at_once = {.l_onoff = 1};

    if (!is_self_connected(stream->fd)) {
        stream->connected = true;
        return 0;
    }
    setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, (const char *)&at_once, sizeof at_once);
    stream->connect_error = ECONNREFUSED;
    return -ECONNREFUSED;
}

int minimio_tcp_stream_finish_connect(struct minimio_tcp_stream *stream)
{
    assert(stream);
    if (stream->connected)
        return 0;
    /* The state is read after the error, and twice, because the connection may fail or succeed between the two
     * reads. */
    for (int i = 0; i < 2; i++) {
        if (stream->connect_error == 0)
            minimio_tcp_stream_take_error(stream);
        if (stream->connect_error != 0)
            return -stream->connect_error;
        if (is_connected(stream->fd))
            return finish_connected(stream);
    }
    return stream->connecting ? -EINPROGRESS : -ENOTCONN;
}

/* ---- Reading and writing ---------------------------------------------------------------------------------------- */

static int clamp(size_t length)
{
    return length < INT_MAX ? (int)length : INT_MAX;
}

/*
 * The error of a call before the connection is established or after connecting failed: Winsock only reports ENOTCONN,
 * and wine the end of the stream. `error` is the call's error; returns the error for the caller.
 */
static int unconnected_error(struct minimio_tcp_stream *stream, int error)
{
    if (stream->connected || !stream->connecting)
        return error;
    int result = minimio_tcp_stream_finish_connect(stream);
    /* The connection was established after the call. */
    if (result == -EINPROGRESS || (result == 0 && error == ENOTCONN))
        return EAGAIN;
    return -result;
}

/* Converts the result of a Winsock call that transferred `result` bytes, or failed, to a return value of the
 * library. */
static ssize_t finish_io(struct minimio_tcp_stream *stream, ssize_t result, size_t wanted, minimio_interests direction)
{
    int error = result < 0 ? -winsock_last_error() : 0;

    if (result == 0 || error == ENOTCONN)
        error = unconnected_error(stream, error);
    if (error == EAGAIN || (error == 0 && (size_t)result < wanted))
        selector_windows_rearm(stream->fd, direction);
    if (error == 0)
        return result;
    remember_error(stream, error);
    return -error;
}

static ssize_t finish_read(struct minimio_tcp_stream *stream, ssize_t result, size_t wanted)
{
    /* After a local shutdown Winsock fails; other platforms return the end of the stream. */
    if (result < 0 && WSAGetLastError() == WSAESHUTDOWN)
        return 0;
    return finish_io(stream, result, wanted, MINIMIO_READABLE | MINIMIO_PRIORITY);
}

ssize_t minimio_tcp_stream_read(struct minimio_tcp_stream *stream, void *buffer, size_t length)
{
    assert(stream);
    return finish_read(stream, recv(stream->fd, buffer, clamp(length), 0), (size_t)clamp(length));
}

ssize_t minimio_tcp_stream_peek(struct minimio_tcp_stream *stream, void *buffer, size_t length)
{
    assert(stream);
    /* A peek leaves the data in the socket, so the socket is not exhausted. */
    return finish_read(stream, recv(stream->fd, buffer, clamp(length), MSG_PEEK), 0);
}

ssize_t minimio_tcp_stream_write(struct minimio_tcp_stream *stream, const void *buffer, size_t length)
{
    assert(stream);
    return finish_io(stream, send(stream->fd, buffer, clamp(length), 0), (size_t)clamp(length), MINIMIO_WRITABLE);
}

/* Converts slices to Winsock's buffers, whose lengths have 32 bits. Returns the number of buffers; the sum of the
 * lengths fits a DWORD. */
static DWORD buffers_of(const struct minimio_slice *slices, int count, WSABUF *buffers, size_t *ret_total)
{
    size_t total = 0;
    DWORD used = 0;

    while (used < (DWORD)count && used < SLICES_MAX && total < INT_MAX) {
        size_t room = INT_MAX - total;
        size_t length = slices[used].length < room ? slices[used].length : room;
        buffers[used].buf = slices[used].base;
        buffers[used++].len = (ULONG)length;
        total += length;
    }
    *ret_total = total;
    return used;
}

ssize_t minimio_tcp_stream_read_vectored(struct minimio_tcp_stream *stream, const struct minimio_slice *slices,
                                         int count)
{
    WSABUF buffers[SLICES_MAX];
    DWORD received = 0, flags = 0;
    size_t total;

    assert(stream && (slices || count <= 0));
    if (count < 0)
        return -EINVAL;
    DWORD used = buffers_of(slices, count, buffers, &total);
    if (used == 0)
        return 0;
    int result = WSARecv(stream->fd, buffers, used, &received, &flags, NULL, NULL);
    return finish_read(stream, result == 0 ? (ssize_t)received : -1, total);
}

ssize_t minimio_tcp_stream_write_vectored(struct minimio_tcp_stream *stream, const struct minimio_slice *slices,
                                          int count)
{
    WSABUF buffers[SLICES_MAX];
    DWORD sent = 0;
    size_t total;

    assert(stream && (slices || count <= 0));
    if (count < 0)
        return -EINVAL;
    DWORD used = buffers_of(slices, count, buffers, &total);
    if (used == 0)
        return 0;
    int result = WSASend(stream->fd, buffers, used, &sent, 0, NULL, NULL);
    return finish_io(stream, result == 0 ? (ssize_t)sent : -1, total, MINIMIO_WRITABLE);
}

/* ---- Shutting down ---------------------------------------------------------------------------------------------- */

enum { SHUT_READ = 1 << MINIMIO_SHUTDOWN_READ, SHUT_WRITE = 1 << MINIMIO_SHUTDOWN_WRITE };

void tcp_stream_registered(struct minimio_tcp_stream *stream)
{
    uint32_t closed = 0;

    /* As on other platforms: a shutdown of writing alone is not reported. */
    if (stream->shut & SHUT_READ)
        closed |= READINESS_READ_CLOSED | (stream->shut & SHUT_WRITE ? READINESS_WRITE_CLOSED : 0);
    if (closed != 0)
        selector_windows_shut(stream->fd, closed);
}

int minimio_tcp_stream_shutdown(struct minimio_tcp_stream *stream, enum minimio_shutdown how)
{
    static const struct {
        int how;
        uint8_t shut;
    } ways[] = {
        [MINIMIO_SHUTDOWN_READ] = {SD_RECEIVE, SHUT_READ},
        [MINIMIO_SHUTDOWN_WRITE] = {SD_SEND, SHUT_WRITE},
        [MINIMIO_SHUTDOWN_BOTH] = {SD_BOTH, SHUT_READ | SHUT_WRITE},
    };

    assert(stream);
    if ((unsigned)how >= sizeof ways / sizeof ways[0])
        return -EINVAL;
    if (shutdown(stream->fd, ways[how].how) != 0)
        return winsock_last_error();
    stream->shut = (stream->shut | ways[how].shut) & (SHUT_READ | SHUT_WRITE);
    tcp_stream_registered(stream);
    return 0;
}

/* ---- Options and addresses -------------------------------------------------------------------------------------- */

int tcp_stream_set_option(struct minimio_tcp_stream *stream, int level, int name, uint32_t value)
{
    DWORD option = value;

    return setsockopt(stream->fd, level, name, (const char *)&option, sizeof option) != 0 ? winsock_last_error() : 0;
}

int tcp_stream_get_option(struct minimio_tcp_stream *stream, int level, int name, uint32_t *ret_value)
{
    /* Zeroed, because Winsock writes only one byte for some options. */
    DWORD option = 0;
    int length = sizeof option;

    if (getsockopt(stream->fd, level, name, (char *)&option, &length) != 0)
        return winsock_last_error();
    *ret_value = option;
    return 0;
}

/* Read from the protocol information, because an unbound socket has no local address. */
int tcp_stream_family(struct minimio_tcp_stream *stream)
{
    WSAPROTOCOL_INFOW protocol = {0};
    int length = sizeof protocol;

    if (getsockopt(stream->fd, SOL_SOCKET, SO_PROTOCOL_INFOW, (char *)&protocol, &length) != 0)
        return winsock_last_error();
    return protocol.iAddressFamily;
}

typedef int(WSAAPI *address_function)(SOCKET, struct sockaddr *, int *);

static int get_address(struct minimio_tcp_stream *stream, address_function get, struct sockaddr_storage *ret_address,
                       socklen_t *ret_length)
{
    struct sockaddr_storage address = {0};
    int length = sizeof address;

    if (get(stream->fd, (struct sockaddr *)&address, &length) != 0) {
        int result = winsock_last_error();
        /* An unbound socket. */
        return result == -EINVAL ? -ENOTCONN : result;
    }
    *ret_address = address;
    *ret_length = length;
    return 0;
}

int minimio_tcp_stream_local_addr(struct minimio_tcp_stream *stream, struct sockaddr_storage *ret_address,
                                  socklen_t *ret_length)
{
    assert(stream && ret_address && ret_length);
    return get_address(stream, getsockname, ret_address, ret_length);
}

int minimio_tcp_stream_peer_addr(struct minimio_tcp_stream *stream, struct sockaddr_storage *ret_address,
                                 socklen_t *ret_length)
{
    assert(stream && ret_address && ret_length);
    return get_address(stream, getpeername, ret_address, ret_length);
}
