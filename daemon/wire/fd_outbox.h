/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that go out beside the bytes of a buffer, each set with the first byte of its line.
 */
#ifndef MINIMIO_DAEMON_WIRE_FD_OUTBOX_H
#define MINIMIO_DAEMON_WIRE_FD_OUTBOX_H

#include "daemon/base/async_close.h"
#include "daemon/base/fd_queue.h"
#include "daemon/wire/unread.h"
#include "proto/buffer.h"

#define FD_OUTBOX_MAX 253 /* the most that Linux passes at once */

/* Zeroed but for the first three, it is empty. */
struct fd_outbox {
    struct async_closer *closer;
    struct unreads *unreads;
    struct unread *unread; /* counts the descriptors, which it knew before */
    struct fd_queue fds;
    struct outbox_set *list; /* in the order of the bytes */
    size_t count;
};

/*
 * Takes `count` descriptors, at most FD_OUTBOX_MAX, to go with the byte at `at` of those that are still to be
 * sent; no earlier than the outbox before. Error: -ENOMEM; they are the caller's still.
 */
int fd_outbox_add(struct fd_outbox *outbox, size_t at, const int *fds, uint32_t count);

/*
 * Sends bytes and outbox as far as the client's socket takes them; what is sent is consumed. Returns how many bytes.
 * Errors: -EAGAIN, nothing was taken; -ETOOMANYREFS, too many descriptors are under way to clients, to be tried again
 * later; and what send says.
 */
ssize_t fd_outbox_send(struct fd_outbox *outbox, int socket, struct buffer *bytes);

/* The bytes went nowhere, and so do the descriptors. */
void fd_outbox_clear(struct fd_outbox *outbox);

#endif
