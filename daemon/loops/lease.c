/* SPDX-License-Identifier: MIT */
#include "daemon/loops/lease.h"

#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"

size_t lease_ready(struct member *member, size_t count)
{
    size_t redelivered = 0;

    while (count--) {
        struct stream *stream = TAILQ_FIRST(&member->loop->ready);

        redelivered += stream->redelivered != 0;
        stream_forget_pending(stream);
        member_add_lease(member, stream);
        persist_stream_changed(stream);
    }
    return redelivered;
}

/* A closing loop has no next event. A session may end after the slice has asked about rearmed streams, and no turn
 * need follow: asks at once. */
void lease_abandon_all(struct member *member, struct reactor *reactor)
{
    struct stream *stream;

    if (TAILQ_EMPTY(&member->leases))
        return;

    while ((stream = TAILQ_FIRST(&member->leases))) {
        member_remove_lease(member, stream);
        stream->redelivered = READY_REDELIVERED;
        if (!member->loop->closing)
            stream_abandon(reactor, stream);
    }
    rearm_batch_flush(&member->loop->loops->rearm);
}
