/* SPDX-License-Identifier: MIT */
#include "daemon/loops/rearm.h"

#include "daemon/base/invariant.h"

void rearm_batch_add(struct rearm_batch *batch, struct rearm *rearm, int fd, short events)
{
    if (rearm->in_batch)
        return;
    if (batch->count == REARM_MAX)
        rearm_batch_flush(batch);
    INVARIANT(batch->count < REARM_MAX);
    batch->asked[batch->count] = (struct pollfd){.fd = fd, .events = events};
    batch->entries[batch->count++] = rearm;
    rearm->in_batch = true;
}

void rearm_batch_remove(struct rearm_batch *batch, struct rearm *rearm)
{
    nfds_t i = 0;

    if (!rearm->in_batch)
        return;
    while (batch->entries[i] != rearm) {
        i++;
        INVARIANT(i < batch->count);
    }
    batch->entries[i] = batch->entries[--batch->count];
    batch->asked[i] = batch->asked[batch->count];
    rearm->in_batch = false;
}

void rearm_batch_flush(struct rearm_batch *batch)
{
    /* poll(2) fails without memory, or at a signal. */
    bool failed = batch->count && poll(batch->asked, batch->count, 0) < 0;

    for (nfds_t i = 0; i < batch->count; i++) {
        batch->entries[i]->in_batch = false;
        batch->report(batch->entries[i], failed ? POLLERR : batch->asked[i].revents);
    }
    batch->count = 0;
}
