/* SPDX-License-Identifier: MIT */
/*
 * Batched rearming: one poll(2) at the end of a slice asks which rearmed streams are ready now. Rearming in epoll takes
 * a system call for each stream.
 *
 * Owns the batch of descriptors. Calls the batch's `report`.
 */
#ifndef MINIMIO_DAEMON_LOOPS_REARM_H
#define MINIMIO_DAEMON_LOOPS_REARM_H

#include <poll.h>
#include <stdbool.h>

#define REARM_MAX 512 /* descriptors in a poll(2); a larger batch saves no more time */

/* Embedded in a stream. */
struct rearm {
    bool in_batch;
};

struct rearm_batch {
    void (*report)(struct rearm *rearm, short seen); /* `seen`: POLL… bits; POLLERR if poll(2) failed */
    nfds_t count;
    struct pollfd asked[REARM_MAX];
    struct rearm *entries[REARM_MAX];
};

/* Adds a descriptor, to ask about these POLL… bits. Does nothing if already added. Flushes a full batch. */
void rearm_batch_add(struct rearm_batch *batch, struct rearm *rearm, int fd, short events);

/* Removes the descriptor, if in the batch. */
void rearm_batch_remove(struct rearm_batch *batch, struct rearm *rearm);

/* Asks about all descriptors, reports the ready ones, and empties the batch. */
void rearm_batch_flush(struct rearm_batch *batch);

#endif
