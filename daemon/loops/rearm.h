/* SPDX-License-Identifier: MIT */
/*
 * Which of the streams that were armed again are ready now: one poll(2) for all of them at the end of a slice, where
 * rearming in the kernel takes one call each.
 *
 * Owns the batch of descriptors. Calls nobody but the batch's `report`.
 */
#ifndef MINIMIO_DAEMON_LOOPS_REARM_H
#define MINIMIO_DAEMON_LOOPS_REARM_H

#include <poll.h>
#include <stdbool.h>

#define REARM_MAX 512 /* descriptors at once; with more, the call itself costs nothing any more */

/* The part of a stream that the batch knows. */
struct rearm {
    bool in_batch;
};

struct rearm_batch {
    void (*report)(struct rearm *rearm, short seen); /* POLL… bits; POLLERR where poll(2) has failed */
    nfds_t count;
    struct pollfd asked[REARM_MAX];
    struct rearm *entries[REARM_MAX];
};

/* Adds a descriptor, once, to be asked about these POLL… bits. Flushes a batch that is full. */
void rearm_batch_add(struct rearm_batch *batch, struct rearm *rearm, int fd, short events);

/* Removes it, if it is in the batch. */
void rearm_batch_remove(struct rearm_batch *batch, struct rearm *rearm);

/* Asks about all of them, and empties the batch. */
void rearm_batch_flush(struct rearm_batch *batch);

#endif
