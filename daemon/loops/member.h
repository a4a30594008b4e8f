/* SPDX-License-Identifier: MIT */
/*
 * A session's membership in a loop. Events go to the owner, or are shared among the workers: an event goes to the
 * worker that has waited longest, and its token is then leased to this worker. A guest gets no events. A loop has an
 * owner or workers, never both.
 *
 * Owns the list of members, and the order of waiting workers. Calls the loop. lease.h begins leases.
 */
#ifndef MINIMIO_DAEMON_LOOPS_MEMBER_H
#define MINIMIO_DAEMON_LOOPS_MEMBER_H

#include "daemon/loops/loop.h"

/* Enters a loop. The member must be in no loop. `prefetch`: of a worker. */
void member_enter(struct member *member, struct loop *loop, enum role role, uint16_t prefetch);

/* Leaves the loop. The member must hold no lease. After the last member with events, pending readiness counts as
 * possibly out of date. */
void member_leave(struct member *member);

/* Whether the member gets events: an owner or a worker. */
static inline bool member_is_consumer(const struct member *member)
{
    return member->role != ROLE_GUEST;
}

/* The first member with this role, or with events (member_next_consumer), after `member`, or of all with NULL. NULL:
 * none. */
struct member *member_next_consumer(const struct loop *loop, const struct member *member);

/* Moves a worker to the list that fits its state. Call after a change of the poll, a lease, or is_receptive. */
void member_update(struct member *member);

/* Moves a worker that got events behind all other waiting workers. */
void member_requeue(struct member *member);

/* The number of events that a worker gets now: the same as every other waiting worker in this round, as far as the
 * worker's leases allow. */
size_t member_take_share(struct member *member);

/* Adds, and removes, a stream that the worker holds, and leaves the stream's readiness as it is. */
void member_add_lease(struct member *member, struct stream *stream);
void member_remove_lease(struct member *member, struct stream *stream);

/* Ends the lease of a stream, if any, with the holder's consent or by a request of an owner or guest. */
void member_end_lease(struct stream *stream);

#endif
