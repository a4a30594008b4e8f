/* SPDX-License-Identifier: MIT */
/*
 * libminimio: a readiness event queue.
 *
 * A program makes a Poll, registers sockets through a Registrator, each socket under a token that the program chooses,
 * and asks the Poll which tokens have become ready. One thread polls at a time. Meanwhile any thread may register, wake
 * and close, without a lock of the caller.
 *
 * Every function that returns int or ssize_t returns 0 or a count on success, and a negative errno on failure, on every
 * platform. Outputs (`ret_…`) are untouched on failure. A NULL handle is a bug of the caller, detected by assert,
 * except in the `_free` functions.
 */
#ifndef MINIMIO_H
#define MINIMIO_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <sys/socket.h>
#include <sys/types.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__) && !defined(_WIN32)
#pragma GCC visibility push(default)
#endif

/* A number that the caller chooses for a registration. The library reserves no value: 0 and UINT64_MAX are valid. */
typedef uint64_t minimio_token;

/* A set of interests of a registration: one or more of the four bits. */
typedef uint8_t minimio_interests;
#define MINIMIO_WRITABLE 0x01
#define MINIMIO_READABLE 0x02
#define MINIMIO_PRIORITY 0x04 /* out-of-band data; -ENOTSUP if the platform cannot report out-of-band data */
#define MINIMIO_CLOSED   0x20 /* only the closed flags: no wakeups for data or buffer space; -ENOTSUP on a kqueue */

enum minimio_mode {
    MINIMIO_ONESHOT, /* one event, then none until reregister */
    /*
     * One event for each arrival of readiness. On Windows a new event requires that a read, peek, write or vectored
     * call of this library would have blocked, or, except for a peek, has transferred less than requested; or a
     * reregister.
     */
    MINIMIO_EDGE,
    /*
     * One event in each poll for as long as a requested direction is ready. A closed direction without an interest, and
     * without MINIMIO_CLOSED, is reported once, and again only together with a requested event.
     */
    MINIMIO_LEVEL,
};

#define MINIMIO_FOREVER INT64_C(-1) /* any negative timeout */

#ifdef _WIN32
typedef SOCKET minimio_fd;
#define MINIMIO_INVALID_FD INVALID_SOCKET
#ifndef _SSIZE_T_DEFINED
typedef intptr_t ssize_t;
#define _SSIZE_T_DEFINED
#endif
#else
typedef int minimio_fd;
#define MINIMIO_INVALID_FD (-1)
#endif

struct minimio_poll;
struct minimio_registrator;
struct minimio_selector;
struct minimio_tcp_stream;

/* ---- Event ------------------------------------------------------------------------------------------------------ */

/* `readiness` is private; use the accessors below. An event is plain data and may be copied. */
struct minimio_event {
    minimio_token token;
    uint32_t readiness;
};

/* The token of the registration. */
minimio_token minimio_event_id(const struct minimio_event *event);

/*
 * The readiness. Readable, writable and priority are hints: the kernel may merge or split readiness, and another reader
 * may take the data first. The closed flags have no false positives.
 */
bool minimio_event_is_readable(const struct minimio_event *event);
bool minimio_event_is_writable(const struct minimio_event *event);
bool minimio_event_is_read_closed(const struct minimio_event *event);  /* the peer will send no more data */
bool minimio_event_is_write_closed(const struct minimio_event *event); /* no more data can be sent */
bool minimio_event_is_error(const struct minimio_event *event); /* minimio_tcp_stream_take_error returns the error */
bool minimio_event_is_priority(const struct minimio_event *event);

/*
 * The same accessors inline, for GNU C: a call per event would double the library's overhead. The bits are part of the
 * binary interface.
 */
#ifdef __GNUC__
#define minimio_in_place extern __inline__ __attribute__((__gnu_inline__))
minimio_in_place minimio_token minimio_event_id(const struct minimio_event *event)
{
    assert(event);
    return event->token;
}
minimio_in_place bool minimio_event_is_readable(const struct minimio_event *event)
{
    assert(event);
    return (event->readiness & 1) != 0;
}
minimio_in_place bool minimio_event_is_priority(const struct minimio_event *event)
{
    assert(event);
    return (event->readiness & 2) != 0;
}
minimio_in_place bool minimio_event_is_writable(const struct minimio_event *event)
{
    assert(event);
    return (event->readiness & 4) != 0;
}
minimio_in_place bool minimio_event_is_error(const struct minimio_event *event)
{
    assert(event);
    return (event->readiness & 8) != 0;
}
minimio_in_place bool minimio_event_is_read_closed(const struct minimio_event *event)
{
    assert(event);
    return (event->readiness & 16) != 0;
}
minimio_in_place bool minimio_event_is_write_closed(const struct minimio_event *event)
{
    assert(event);
    return (event->readiness & 32) != 0;
}
#undef minimio_in_place
#endif

bool minimio_interests_is_readable(minimio_interests interests);
bool minimio_interests_is_writable(minimio_interests interests);
bool minimio_interests_is_priority(minimio_interests interests);
bool minimio_interests_is_closed(minimio_interests interests);

/* ---- Poll ------------------------------------------------------------------------------------------------------- */

/* Makes an event queue. Errors: -ENOMEM; -EMFILE or -ENFILE, no descriptor is free. */
int minimio_poll_new(struct minimio_poll **ret_poll);

/*
 * Frees the queue; registrators may outlive the queue. NULL is accepted; returns NULL. No thread may be polling. In a
 * forked child frees only the child's copy; the parent's queue is unaffected.
 */
struct minimio_poll *minimio_poll_free(struct minimio_poll *poll);

/*
 * Waits until an event is ready, `timeout_ns` nanoseconds have passed, or another thread wakes or closes the queue.
 * Writes at most `capacity` events to `events`. Further events are returned by the next call; no source starves.
 *
 * A timeout of 0 returns the present events; a negative timeout has no limit. The wait is never shorter than
 * `timeout_ns`; a signal neither ends nor shortens the wait.
 *
 * Returns the number of events, or 0 after the timeout or a wake. A poll that returns events also consumes a wake.
 *
 * Errors: -EINVAL, `capacity` is 0; -ECANCELED, the queue was closed with minimio_registrator_close_loop, or belongs to
 * the process that this process was forked from.
 *
 * Only one thread may be in this call at a time.
 */
int minimio_poll_poll(struct minimio_poll *poll, struct minimio_event *events, size_t capacity, int64_t timeout_ns);

/* Makes a handle to register with this queue; the caller frees the handle. NULL: out of memory. Callable from any
 * thread. */
struct minimio_registrator *minimio_poll_registrator(struct minimio_poll *poll);

/*
 * Returns a descriptor that is readable while the queue has events, for nesting in another queue; the same descriptor
 * on each call. Borrowed: the descriptor is closed with the queue. Callable from any thread. Errors: -ENOTSUP, on
 * Windows; -ECANCELED, in a forked child; on the first call -ENOMEM, -EMFILE, -ENFILE, -ENOSPC, and -ELOOP, queues are
 * nested too deep.
 */
int minimio_poll_fd(const struct minimio_poll *poll);

/* ---- Registrator ------------------------------------------------------------------------------------------------ */

/* Frees the handle; registrations made through the handle remain. NULL is accepted; returns NULL. */
struct minimio_registrator *minimio_registrator_free(struct minimio_registrator *registrator);

/*
 * Register a stream, or a descriptor that the platform can poll, under `token`. A descriptor has at most one
 * registration in a queue, made either by stream or by descriptor. Callable from any thread, also during a poll, which
 * applies the registration at once.
 *
 * minimio_registrator_register_socket requires a socket. The library need not query the kind of file, so registering
 * takes one system call (epoll_ctl). For another kind of file the closed flags would be wrong.
 *
 * Errors, in the order of the checks:
 *   -EINVAL     no interest, an unknown interest bit, an unknown mode, or the queue's own descriptor
 *   -ECANCELED  the queue was closed or freed
 *   -EBADF      the descriptor is closed
 *   -EPERM      the descriptor cannot be polled (a regular file, a directory)
 *   -EEXIST     the descriptor is already registered; the existing registration is unaffected
 *   -ENOTSUP    MINIMIO_PRIORITY, if the platform cannot report out-of-band data; MINIMIO_CLOSED on a kqueue
 *   -ELOOP      a queue's descriptor (minimio_poll_fd), if queues would form a loop or be nested too deep: on Linux
 *               more than three levels (epoll only)
 *   -ENOMEM, -ENOSPC   out of memory, or above the system's limit of watches
 *   -EPIPE      the write end of a pipe without a reader (kqueue only)
 */
int minimio_registrator_register(struct minimio_registrator *registrator, struct minimio_tcp_stream *stream,
                                 minimio_token token, minimio_interests interests, enum minimio_mode mode);
int minimio_registrator_register_fd(struct minimio_registrator *registrator, minimio_fd fd, minimio_token token,
                                    minimio_interests interests, enum minimio_mode mode);
int minimio_registrator_register_socket(struct minimio_registrator *registrator, minimio_fd fd, minimio_token token,
                                        minimio_interests interests, enum minimio_mode mode);

/*
 * Replace token, interests and mode, re-arm a disarmed ONESHOT, and report present readiness again. Events that were
 * not yet fetched refer only to the new registration. Errors: as for register, except -ENOENT, not registered, in place
 * of -EEXIST. Callable from any thread.
 */
int minimio_registrator_reregister(struct minimio_registrator *registrator, struct minimio_tcp_stream *stream,
                                   minimio_token token, minimio_interests interests, enum minimio_mode mode);
int minimio_registrator_reregister_fd(struct minimio_registrator *registrator, minimio_fd fd, minimio_token token,
                                      minimio_interests interests, enum minimio_mode mode);

/*
 * Remove a registration. A poll that starts after the return does not report the token. The descriptor stays open. Also
 * allowed after close_loop. Errors: -ECANCELED, the queue was freed; -EBADF, the descriptor is closed; -ENOENT, not
 * registered. Also after -EBADF and -ENOENT, no later poll reports a token of an earlier registration of this number.
 * Callable from any thread.
 */
int minimio_registrator_deregister(struct minimio_registrator *registrator, struct minimio_tcp_stream *stream);
int minimio_registrator_deregister_fd(struct minimio_registrator *registrator, minimio_fd fd);

/*
 * Makes the present poll, or else the next poll, return early. Several wakes before the return are merged. Error:
 * -ECANCELED, the queue was closed or freed, or in a forked child. Callable from any thread; async-signal-safe.
 */
int minimio_registrator_wake(struct minimio_registrator *registrator);

/*
 * Closes the queue: the present poll returns its events, and every later poll -ECANCELED. Registered streams stay open,
 * owned by the caller. Error: -ECANCELED, the queue was already closed or freed, or in a forked child. Callable from
 * any thread; async-signal-safe.
 */
int minimio_registrator_close_loop(struct minimio_registrator *registrator);

/* ---- Selector: the base of Poll --------------------------------------------------------------------------------- */

/* As minimio_poll_new, minimio_poll_registrator and minimio_poll_free. */
int minimio_selector_new(struct minimio_selector **ret_selector);
struct minimio_registrator *minimio_selector_registrator(struct minimio_selector *selector);
struct minimio_selector *minimio_selector_free(struct minimio_selector *selector);

/* As minimio_poll_poll, but one wait of the platform: may return -EINTR, and 0 before the timeout has passed. */
int minimio_selector_select(struct minimio_selector *selector, struct minimio_event *events, size_t capacity,
                            int64_t timeout_ns);

/* ---- TcpStream: one thread at a time, except to register -------------------------------------------------------- */

enum minimio_shutdown { MINIMIO_SHUTDOWN_READ, MINIMIO_SHUTDOWN_WRITE, MINIMIO_SHUTDOWN_BOTH };

/* A buffer for vectored I/O. */
struct minimio_slice {
    void *base;
    size_t length;
};

/*
 * Starts to connect to `address` and returns at once. The stream becomes writable when the connection is established or
 * has failed; minimio_tcp_stream_finish_connect returns the result. The stream is non-blocking and close-on-exec, as
 * every stream. Errors: -EINVAL, `address` is too short; -EAFNOSUPPORT, neither IPv4 nor IPv6; -EMFILE, -ENFILE, no
 * descriptor is free; -ENOMEM; and errors that the platform returns at once, such as -ENETUNREACH or -ECONNREFUSED.
 */
int minimio_tcp_stream_connect(const struct sockaddr *address, socklen_t address_length,
                               struct minimio_tcp_stream **ret_stream);

/*
 * Resolves "host:port" or "[v6]:port" (port 1 to 65535) and connects to the first address that answers, with staggered
 * attempts as in RFC 8305. An IPv4 address is a strict dotted quad; -EINVAL for a host whose last label is a number,
 * unless the host is a dotted quad. "localhost" and names below are the loopback addresses, without a lookup. Blocks
 * until connected or failed, for at most `timeout_ns` nanoseconds (negative: no limit), not counting the system's name
 * lookup.
 *
 * Errors: -EINVAL, `host_port` is malformed; -ENOENT, the name does not exist; -EAGAIN, temporary failure of the
 * lookup; -ETIMEDOUT; otherwise the error of the last address.
 */
int minimio_tcp_stream_connect_host(const char *host_port, int64_t timeout_ns, struct minimio_tcp_stream **ret_stream);

/*
 * Returns 0 when connected, -EINPROGRESS, or the error of connecting, the same error on each call. For a stream that is
 * connected to itself, because the system chose the destination port as local port, returns -ECONNREFUSED and resets
 * the connection.
 */
int minimio_tcp_stream_finish_connect(struct minimio_tcp_stream *stream);

/*
 * Makes a stream from a connected socket. The socket becomes non-blocking and close-on-exec, and the stream owns the
 * socket. On failure the caller still owns the socket. Errors: -EBADF, the descriptor is closed; -ENOTSOCK; -ENOMEM.
 */
int minimio_tcp_stream_from_fd(minimio_fd fd, struct minimio_tcp_stream **ret_stream);

/*
 * Read and write without blocking. Return the number of bytes; a read returns 0 at the end of the stream. Errors:
 * -EAGAIN, the call would block; -EPIPE, no more data can be sent (no signal is raised); -ECONNRESET and other errors
 * of the platform. `peek` leaves the bytes in the socket. At most IOV_MAX slices are used, so a larger count causes a
 * short result. -EINVAL, a negative count of slices.
 */
ssize_t minimio_tcp_stream_read(struct minimio_tcp_stream *stream, void *buffer, size_t length);
ssize_t minimio_tcp_stream_peek(struct minimio_tcp_stream *stream, void *buffer, size_t length);
ssize_t minimio_tcp_stream_write(struct minimio_tcp_stream *stream, const void *buffer, size_t length);
ssize_t minimio_tcp_stream_read_vectored(struct minimio_tcp_stream *stream, const struct minimio_slice *slices,
                                         int count);
ssize_t minimio_tcp_stream_write_vectored(struct minimio_tcp_stream *stream, const struct minimio_slice *slices,
                                          int count);

/* Errors: -EINVAL, an unknown `how`; -ENOTCONN. */
int minimio_tcp_stream_shutdown(struct minimio_tcp_stream *stream, enum minimio_shutdown how);

/* Set and get options. `ttl` is the hop limit on IPv6; -EINVAL unless from 1 to 255. */
int minimio_tcp_stream_set_nodelay(struct minimio_tcp_stream *stream, bool nodelay);
int minimio_tcp_stream_nodelay(struct minimio_tcp_stream *stream, bool *ret_nodelay);
int minimio_tcp_stream_set_keepalive(struct minimio_tcp_stream *stream, bool keepalive);
int minimio_tcp_stream_keepalive(struct minimio_tcp_stream *stream, bool *ret_keepalive);
int minimio_tcp_stream_set_ttl(struct minimio_tcp_stream *stream, uint32_t ttl);
int minimio_tcp_stream_ttl(struct minimio_tcp_stream *stream, uint32_t *ret_ttl);

/* Returns 0, or the socket's pending error, and clears the error: the next call returns 0. */
int minimio_tcp_stream_take_error(struct minimio_tcp_stream *stream);

/* The local and the peer's address. Error: -ENOTCONN. */
int minimio_tcp_stream_local_addr(struct minimio_tcp_stream *stream, struct sockaddr_storage *ret_address,
                                  socklen_t *ret_length);
int minimio_tcp_stream_peer_addr(struct minimio_tcp_stream *stream, struct sockaddr_storage *ret_address,
                                 socklen_t *ret_length);

/* The stream's descriptor; borrowed. */
minimio_fd minimio_tcp_stream_fd(const struct minimio_tcp_stream *stream);

/*
 * Frees the stream and returns the descriptor, which the caller then owns. Registrations of the descriptor remain, to
 * be changed with the `_fd` functions.
 */
minimio_fd minimio_tcp_stream_take_fd(struct minimio_tcp_stream *stream);

/*
 * Removes the stream's registrations, closes the descriptor, and frees the stream. NULL is accepted; returns NULL. In a
 * forked child closes only the child's copy; the parent's registrations are unaffected.
 */
struct minimio_tcp_stream *minimio_tcp_stream_free(struct minimio_tcp_stream *stream);

/* The backend of this build: "epoll", "kqueue" or "windows". */
const char *minimio_backend(void);

#if defined(__GNUC__) && !defined(_WIN32)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
