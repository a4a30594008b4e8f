/* SPDX-License-Identifier: MIT */
/*
 * A TCP stream, and the queues in which it is registered: it has to leave them before its descriptor is closed, for a
 * duplicate elsewhere would keep the kernel reporting a stream that is no more.
 *
 * The program may hold very many streams, so one is small: a queue is remembered in place, more of them on a list.
 */
#ifndef MINIMIO_TCP_STREAM_H
#define MINIMIO_TCP_STREAM_H

#include "libminimio/minimio.h"

#include <stdatomic.h>

struct queue;

/* A queue in which the stream is registered. */
struct membership {
    struct queue *queue; /* NULL: this one is free */
    struct membership *next;
};

struct minimio_tcp_stream {
    minimio_fd fd;
    /* Held for a few instructions, when two threads register one stream in two queues; so it is spun for. */
    atomic_flag memberships_lock;
    bool connected : 1; /* finish_connect has seen it so */
    /* Used on Windows alone, where the system does not remember what it was asked or has told. */
    bool connecting : 1;
    bool error_told : 1;
    uint8_t shut : 2;      /* 1 << enum minimio_shutdown, of the two directions */
    int16_t connect_error; /* why connecting failed, positive; 0: it did not */
    struct queue *first_queue;
    struct membership *more;
};

/* Makes a stream that owns `fd`; -ENOMEM leaves it to the caller. */
int tcp_stream_new(minimio_fd fd, bool connected, struct minimio_tcp_stream **ret_stream);

/* Whether the addresses of a connection's two ends are the same: then it is connected to itself. */
bool tcp_stream_is_same_end(const struct sockaddr_storage *left, const struct sockaddr_storage *right);

/* Whether an errno, or 0, is an error of the caller's or of the moment, which says nothing of the connection. */
bool tcp_stream_is_error_of_call(int error);

/*
 * Remembers that the stream is registered in `queue`, which is thereby referred to. Returns 1, or 0 if it was
 * remembered already. Error: -ENOMEM. Both are called with the lock of that queue's selector held.
 */
int tcp_stream_remember(struct minimio_tcp_stream *stream, struct queue *queue);
void tcp_stream_forget(struct minimio_tcp_stream *stream, struct queue *queue);

/* ---- What the platform does ------------------------------------------------------------------------------------- */

/* Closes a socket. */
void tcp_stream_close_fd(minimio_fd fd);

/* An option of the socket whose value is an integer or a flag. Errors: those of the system. */
int tcp_stream_set_option(struct minimio_tcp_stream *stream, int level, int name, uint32_t value);
int tcp_stream_get_option(struct minimio_tcp_stream *stream, int level, int name, uint32_t *ret_value);

/* AF_INET, AF_INET6 or another family of the socket. Errors: those of the system. */
int tcp_stream_family(struct minimio_tcp_stream *stream);

/*
 * A queue has registered the stream, or reregistered it: where the platform's wait does not tell of the stream's own
 * shutdown, its registrations are told. Called with the lock of that queue's selector held.
 */
void tcp_stream_registered(struct minimio_tcp_stream *stream);

#endif
