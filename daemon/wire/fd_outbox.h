/* SPDX-License-Identifier: MIT */
/*
 * Outgoing descriptors of a connection: a queue of SCM_RIGHTS sets, each sent with the first byte of a line.
 *
 * Owns the queued descriptors. Calls the counts of unread descriptors, and the closer.
 */
#ifndef MINIMIO_DAEMON_WIRE_FD_OUTBOX_H
#define MINIMIO_DAEMON_WIRE_FD_OUTBOX_H

#include "daemon/base/async_close.h"
#include "daemon/base/fd_queue.h"
#include "daemon/wire/unread.h"
#include "proto/buffer.h"

#define FD_OUTBOX_MAX 253 /* SCM_MAX_FD: Linux passes no more at once */

/* Empty when zeroed but for the first three members. */
struct fd_outbox {
    struct async_closer *closer;
    struct unreads *unreads;
    struct unread *unread; /* counts the descriptors; unread_add was called for each */
    struct fd_queue fds;
    struct outbox_set *list; /* in the order of the bytes */
    size_t count;
};

/*
 * Takes `count` descriptors, at most FD_OUTBOX_MAX, to be sent with the byte at offset `at` of the unsent bytes.
 * Offsets must not decrease. Error: -ENOMEM; the descriptors stay the caller's.
 */
int fd_outbox_add(struct fd_outbox *outbox, size_t at, const int *fds, uint32_t count);

/*
 * Sends bytes and descriptors as far as the client's socket takes them, and consumes both. Returns the number of bytes.
 * Errors: -EAGAIN, the socket takes no bytes now; -ETOOMANYREFS, too many descriptors are in flight to clients: try
 * again later; and the errors of send.
 */
ssize_t fd_outbox_send(struct fd_outbox *outbox, int socket, struct buffer *bytes);

/* Closes the queued descriptors: the bytes were discarded. */
void fd_outbox_clear(struct fd_outbox *outbox);

#endif
