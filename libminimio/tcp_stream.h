/* SPDX-License-Identifier: MIT */
/*
 * A TCP stream, and the queues in which the stream is registered. A stream is deregistered before its descriptor is
 * closed; otherwise the kernel would report events for as long as a duplicate of the descriptor exists.
 *
 * A program may hold very many streams, so the struct is small: one queue is stored in place, further queues in a list.
 */
#ifndef MINIMIO_TCP_STREAM_H
#define MINIMIO_TCP_STREAM_H

#include "libminimio/minimio.h"

#include <stdatomic.h>

struct queue;

/* A queue in which the stream is registered. */
struct membership {
    struct queue *queue; /* NULL: free */
    struct membership *next;
};

struct minimio_tcp_stream {
    minimio_fd fd;
    /* A spinlock, held for a few instructions when two threads register one stream in two queues. */
    atomic_flag memberships_lock;
    bool connected : 1; /* finish_connect has found the connection established */
    /* Used only on Windows, which stores neither the connect request nor the reported error. */
    bool connecting : 1;
    bool error_delivered : 1;
    uint8_t shut : 2;      /* 1 << enum minimio_shutdown, for READ and WRITE */
    int16_t connect_error; /* the errno of a failed connect; 0: no failure */
    struct queue *first_queue;
    struct membership *more;
};

/* Makes a stream that owns `fd`. On -ENOMEM the caller still owns `fd`. */
int tcp_stream_new(minimio_fd fd, bool connected, struct minimio_tcp_stream **ret_stream);

/* Are the two addresses of a connection equal? If so, the socket is connected to itself. */
bool tcp_stream_is_same_end(const struct sockaddr_storage *left, const struct sockaddr_storage *right);

/* Is `error` 0, or an error of the caller or of the moment, so that the connection is unaffected? */
bool tcp_stream_is_error_of_call(int error);

/*
 * Remembers that the stream is registered in `queue`, and takes a reference to `queue`. Returns 1, or 0 if `queue` was
 * remembered already. Error: -ENOMEM. Call both functions with the lock of the queue's selector held.
 */
int tcp_stream_remember(struct minimio_tcp_stream *stream, struct queue *queue);
void tcp_stream_forget(struct minimio_tcp_stream *stream, struct queue *queue);

/* ---- Implemented by the platform -------------------------------------------------------------------------------- */

/* Closes a socket. */
void tcp_stream_close_fd(minimio_fd fd);

/* Access a socket option with an integer or boolean value. Errors: those of the system. */
int tcp_stream_set_option(struct minimio_tcp_stream *stream, int level, int name, uint32_t value);
int tcp_stream_get_option(struct minimio_tcp_stream *stream, int level, int name, uint32_t *ret_value);

/* The address family of the socket. Errors: those of the system. */
int tcp_stream_family(struct minimio_tcp_stream *stream);

/*
 * Called after a queue has registered or reregistered the stream, with the lock of the queue's selector held. On
 * platforms whose wait does not report a local shutdown, reports the shutdown to the registrations.
 */
void tcp_stream_registered(struct minimio_tcp_stream *stream);

#endif
