/* SPDX-License-Identifier: MIT */
/*
 * libminimio: a readiness event queue.
 *
 * A program makes a Poll, registers sockets with it through a Registrator, each under a Token of its own choice,
 * and asks the Poll which tokens have become ready. One thread polls at a time; any thread may register, wake and
 * close meanwhile, without a lock of its own.
 *
 * Every function that returns int or ssize_t gives 0 or a count when it succeeds and a negative errno value when it
 * fails, on every platform. What a function hands out through a `ret_` pointer is untouched when it fails.
 * Passing NULL for a handle is a bug of the caller and is asserted against, except to the `_free` functions.
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

/* The caller's own number for a registration. All 64 bits are the caller's, 0 and UINT64_MAX included. */
typedef uint64_t minimio_token;

/* What a registration waits for: any of the four, or'ed. */
typedef uint8_t minimio_interests;
#define MINIMIO_WRITABLE 0x01
#define MINIMIO_READABLE 0x02
#define MINIMIO_PRIORITY 0x04 /* out-of-band data; -ENOTSUP where the platform has no way to tell */
#define MINIMIO_CLOSED   0x20 /* the closed flags: alone, neither data nor room wakes; -ENOTSUP on a kqueue */

enum minimio_mode {
    MINIMIO_ONESHOT, /* one event, then silence until reregister */
    /*
     * An event for every new arrival of readiness. On Windows: of what comes after a read, peek, write or vectored call
     * of this library's on the socket would have blocked or, peek apart, moved less than it was given room for; or
     * after reregister.
     */
    MINIMIO_EDGE,
    /*
     * An event from every poll for as long as it is ready, for what was asked for: a closed direction that nobody asked
     * for, neither by its interest nor by MINIMIO_CLOSED, is told, and told again only together with something that
     * was.
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

/* `readiness` is the library's own; ask the functions below. An event is plain data and may be copied freely. */
struct minimio_event {
    minimio_token token;
    uint32_t readiness;
};

/* The token under which the source was registered. */
minimio_token minimio_event_id(const struct minimio_event *event);

/*
 * What is ready. Readable, writable and priority are hints to try: the kernel may merge them, split them, or be
 * overtaken by another reader. The closed flags are never false.
 */
bool minimio_event_is_readable(const struct minimio_event *event);
bool minimio_event_is_writable(const struct minimio_event *event);
bool minimio_event_is_read_closed(const struct minimio_event *event);  /* the peer will send no more */
bool minimio_event_is_write_closed(const struct minimio_event *event); /* nothing more can be sent */
bool minimio_event_is_error(const struct minimio_event *event);        /* minimio_tcp_stream_take_error tells which */
bool minimio_event_is_priority(const struct minimio_event *event);

/*
 * The same answers in place, where the compiler can: per event, a call costs as much as all else that the library adds.
 * The bits are part of the library's binary interface.
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

/* Makes an event queue. Errors: -ENOMEM; -EMFILE or -ENFILE, no descriptor left. */
int minimio_poll_new(struct minimio_poll **ret_poll);

/*
 * Frees the queue; its registrators may outlive it. NULL is accepted; returns NULL. No poll may be under way.
 * In a forked child it frees the child's copy and leaves the parent's queue as it is.
 */
struct minimio_poll *minimio_poll_free(struct minimio_poll *poll);

/*
 * Waits until something is ready, `timeout_ns` nanoseconds have passed, or another thread wakes or closes the queue,
 * and writes at most `capacity` events to `events`. What does not fit comes with the next call; no source starves.
 *
 * A timeout of 0 collects what is ready now; a negative one waits without limit. The wait is never shorter than asked
 * for, and a signal neither fails nor shortens it.
 *
 * Returns how many events were written; 0 at the timeout or after a wake. A wake that comes together with events is
 * spent with them.
 * Errors: -EINVAL, a capacity of 0; -ECANCELED, the queue was closed with minimio_registrator_close_loop, or this
 * process was forked from the one that made it.
 * One thread may be in this call at a time.
 */
int minimio_poll_poll(struct minimio_poll *poll, struct minimio_event *events, size_t capacity, int64_t timeout_ns);

/* A new handle for registering with this queue, to be freed by the caller; NULL if there is no memory. Any thread. */
struct minimio_registrator *minimio_poll_registrator(struct minimio_poll *poll);

/*
 * A descriptor that becomes readable when the queue has events, for nesting it in another queue; the same at each call.
 * Borrowed: it is closed with the queue. Any thread. Errors: -ENOTSUP, the platform has none (Windows); -ECANCELED, in
 * a forked child; at the first call -ENOMEM, -EMFILE, -ENFILE, -ENOSPC, and -ELOOP, others are nested in it too deep.
 */
int minimio_poll_fd(const struct minimio_poll *poll);

/* ---- Registrator ------------------------------------------------------------------------------------------------ */

/* Frees the handle, not what was registered through it. NULL is accepted; returns NULL. */
struct minimio_registrator *minimio_registrator_free(struct minimio_registrator *registrator);

/*
 * Registers a stream, or any descriptor that the platform can wait for, under `token`. A descriptor has at most one
 * registration in a queue, whether it was made by stream or by descriptor. Any thread; also during a poll, which
 * takes it up at once.
 *
 * minimio_registrator_register_socket is for a descriptor that the caller knows to be a socket: what kind of file it is
 * need not be asked, so that registering is one system call (epoll_ctl). Of anything else than a socket, events would
 * have the wrong flags when it is closed.
 *
 * Errors, in the order in which they are checked:
 *   -EINVAL     no interest at all, an unknown interest bit, an unknown mode, or the queue's own descriptor
 *   -ECANCELED  the queue was closed or freed
 *   -EBADF      the descriptor is closed
 *   -EPERM      it cannot be waited for (a regular file, a directory)
 *   -EEXIST     it is registered already; that registration goes on working
 *   -ENOTSUP    MINIMIO_PRIORITY where the platform has no way to tell, MINIMIO_CLOSED on a kqueue
 *   -ELOOP      a queue's descriptor (minimio_poll_fd), when queues would be nested in a circle or too deep: on Linux
 *               more than three queues in one another (epoll alone)
 *   -ENOMEM, -ENOSPC   out of memory, or past the system's limit of watches
 *   -EPIPE      a pipe's writing end whose reader is gone (kqueue alone)
 */
int minimio_registrator_register(struct minimio_registrator *registrator, struct minimio_tcp_stream *stream,
                                 minimio_token token, minimio_interests interests, enum minimio_mode mode);
int minimio_registrator_register_fd(struct minimio_registrator *registrator, minimio_fd fd, minimio_token token,
                                    minimio_interests interests, enum minimio_mode mode);
int minimio_registrator_register_socket(struct minimio_registrator *registrator, minimio_fd fd, minimio_token token,
                                        minimio_interests interests, enum minimio_mode mode);

/*
 * Replaces token, interests and mode, arms a fired ONESHOT again, and reports what is ready now. Events that were not
 * yet fetched speak of the new registration alone. Errors: as for register, with -ENOENT, not registered, in the place
 * of -EEXIST. Any thread.
 */
int minimio_registrator_reregister(struct minimio_registrator *registrator, struct minimio_tcp_stream *stream,
                                   minimio_token token, minimio_interests interests, enum minimio_mode mode);
int minimio_registrator_reregister_fd(struct minimio_registrator *registrator, minimio_fd fd, minimio_token token,
                                      minimio_interests interests, enum minimio_mode mode);

/*
 * Forgets a registration; no poll that starts after this returned names its token. The descriptor stays open.
 * Works after close_loop too. Errors: -ECANCELED, the queue was freed; -EBADF, the descriptor is closed; -ENOENT, not
 * registered. After -EBADF and -ENOENT too, no later poll names a token that was registered under this number before.
 * Any thread.
 */
int minimio_registrator_deregister(struct minimio_registrator *registrator, struct minimio_tcp_stream *stream);
int minimio_registrator_deregister_fd(struct minimio_registrator *registrator, minimio_fd fd);

/*
 * Makes the poll under way, or else the next one, return early. Wakes that come before that poll merge into one.
 * Error: -ECANCELED, the queue was closed or freed, or in a forked child. Any thread; async-signal-safe.
 */
int minimio_registrator_wake(struct minimio_registrator *registrator);

/*
 * Closes the queue: the poll under way returns what it has, and every later one -ECANCELED. Registered streams stay
 * open and their owners' own. Error: -ECANCELED, it was closed or freed before, or in a forked child. Any thread;
 * async-signal-safe.
 */
int minimio_registrator_close_loop(struct minimio_registrator *registrator);

/* ---- Selector: what Poll is built on ---------------------------------------------------------------------------- */

/* As minimio_poll_new, _registrator and _free. */
int minimio_selector_new(struct minimio_selector **ret_selector);
struct minimio_registrator *minimio_selector_registrator(struct minimio_selector *selector);
struct minimio_selector *minimio_selector_free(struct minimio_selector *selector);

/* As minimio_poll_poll, but one wait of the platform's: -EINTR is possible, and a 0 before the timeout has passed. */
int minimio_selector_select(struct minimio_selector *selector, struct minimio_event *events, size_t capacity,
                            int64_t timeout_ns);

/* ---- TcpStream: for one thread at a time, registering it aside -------------------------------------------------- */

enum minimio_shutdown { MINIMIO_SHUTDOWN_READ, MINIMIO_SHUTDOWN_WRITE, MINIMIO_SHUTDOWN_BOTH };

/* A piece of memory for vectored I/O. */
struct minimio_slice {
    void *base;
    size_t length;
};

/*
 * Starts to connect to `address` and returns at once; the stream becomes writable when it is connected or has failed,
 * and minimio_tcp_stream_finish_connect tells which. The stream is non-blocking and close-on-exec, as all are.
 * Errors: -EINVAL, -EAFNOSUPPORT, not an address of a family at hand; -EMFILE, -ENFILE, no descriptor left; -ENOMEM;
 * and what the platform refuses at once, such as -ENETUNREACH or -ECONNREFUSED.
 */
int minimio_tcp_stream_connect(const struct sockaddr *address, socklen_t address_length,
                               struct minimio_tcp_stream **ret_stream);

/*
 * Resolves "host:port" or "[v6]:port" (port 1 to 65535) and connects to the first address that answers, its addresses
 * tried in a staggered order as in RFC 8305. IPv4 addresses are strict dotted quads, and a host that ends in a number
 * and is none is -EINVAL; "localhost" and names below it are the loopback, and are not looked up. Blocks until
 * connected or failed, at most `timeout_ns` nanoseconds (a negative timeout: no limit) over all of it but the system's
 * own name lookup.
 * Errors: -EINVAL, not such a text; -ENOENT, no such name; -EAGAIN, the lookup failed for now; -ETIMEDOUT; else why the
 * last address failed.
 */
int minimio_tcp_stream_connect_host(const char *host_port, int64_t timeout_ns, struct minimio_tcp_stream **ret_stream);

/*
 * 0, connected; -EINPROGRESS; or why connecting failed, and that again whenever it is asked. A stream whose two ends
 * are the same, as the system gave it the port that it was to connect to, is -ECONNREFUSED, and its connection is
 * reset.
 */
int minimio_tcp_stream_finish_connect(struct minimio_tcp_stream *stream);

/*
 * Makes a stream of a connected socket, which becomes non-blocking and close-on-exec and belongs to the stream from
 * then on. When it fails the socket stays the caller's. Errors: -EBADF, a closed descriptor; -ENOTSOCK; -ENOMEM.
 */
int minimio_tcp_stream_from_fd(minimio_fd fd, struct minimio_tcp_stream **ret_stream);

/*
 * Read and write what is possible now. Return how many bytes, 0 from a read at the end of the stream.
 * Errors: -EAGAIN, it would block; -EPIPE, writing where nothing more can be sent (no signal is raised); -ECONNRESET
 * and the platform's other errors. `peek` leaves the bytes where they are. At most IOV_MAX slices are taken: more
 * give a short count. -EINVAL, a negative count of slices.
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

/* Options, set and read. `ttl` is the hop limit on IPv6: 1 to 255, else -EINVAL. */
int minimio_tcp_stream_set_nodelay(struct minimio_tcp_stream *stream, bool nodelay);
int minimio_tcp_stream_nodelay(struct minimio_tcp_stream *stream, bool *ret_nodelay);
int minimio_tcp_stream_set_keepalive(struct minimio_tcp_stream *stream, bool keepalive);
int minimio_tcp_stream_keepalive(struct minimio_tcp_stream *stream, bool *ret_keepalive);
int minimio_tcp_stream_set_ttl(struct minimio_tcp_stream *stream, uint32_t ttl);
int minimio_tcp_stream_ttl(struct minimio_tcp_stream *stream, uint32_t *ret_ttl);

/* 0, or the socket's pending error, which is thereby taken: asked again it is 0. */
int minimio_tcp_stream_take_error(struct minimio_tcp_stream *stream);

/* The addresses of both ends; both outputs are written. Error: -ENOTCONN. */
int minimio_tcp_stream_local_addr(struct minimio_tcp_stream *stream, struct sockaddr_storage *ret_address,
                                  socklen_t *ret_length);
int minimio_tcp_stream_peer_addr(struct minimio_tcp_stream *stream, struct sockaddr_storage *ret_address,
                                 socklen_t *ret_length);

/* The stream's descriptor; borrowed. */
minimio_fd minimio_tcp_stream_fd(const struct minimio_tcp_stream *stream);

/*
 * Moves the descriptor out to the caller and frees the stream. Registrations of the descriptor stay as they are and
 * are from then on changed through the `_fd` functions.
 */
minimio_fd minimio_tcp_stream_take_fd(struct minimio_tcp_stream *stream);

/*
 * Forgets the stream's registrations, closes it and frees it. NULL is accepted; returns NULL. In a forked child it
 * closes the child's copy and leaves the parent's registrations as they are.
 */
struct minimio_tcp_stream *minimio_tcp_stream_free(struct minimio_tcp_stream *stream);

/* What the queue is built on here: "epoll", "kqueue" or "windows". */
const char *minimio_backend(void);

#if defined(__GNUC__) && !defined(_WIN32)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
