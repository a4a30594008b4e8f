/* SPDX-License-Identifier: MIT */
#include "daemon/loops/member.h"

#include "daemon/base/invariant.h"

/* ---- Lists of workers ------------------------------------------------------------------------------------------- */

static struct member_list *member_list_of(struct loop *loop, uint8_t list)
{
    return list == MEMBERS_IDLE ? &loop->idle : &loop->expired;
}

static void member_set_list(struct member *member, enum member_list_id list)
{
    struct loop *loop = member->loop;

    if (member->list != MEMBERS_NONE)
        TAILQ_REMOVE(member_list_of(loop, member->list), member, list_link);
    loop->idle_count -= member->list == MEMBERS_IDLE;
    member->list = (uint8_t)list;
    loop->idle_count += list == MEMBERS_IDLE;
    if (list != MEMBERS_NONE)
        TAILQ_INSERT_TAIL(member_list_of(loop, member->list), member, list_link);
}

static enum member_list_id fitting_list(const struct member *member)
{
    bool has_room = member->lease_count < member->prefetch;

    if (member->role != ROLE_WORKER || !member->is_receptive)
        return MEMBERS_NONE;
    if (member->loop->delivery == DELIVERY_PUSH)
        return has_room && !member->blocked_by_batch ? MEMBERS_IDLE : MEMBERS_NONE;
    if (!member->poll)
        return MEMBERS_NONE;
    if (member->poll->is_expired(member->poll))
        return MEMBERS_EXPIRED;
    return has_room && member->poll->may_deliver(member->poll) ? MEMBERS_IDLE : MEMBERS_NONE;
}

void member_update(struct member *member)
{
    enum member_list_id list;

    if (!member->loop)
        return;
    list = fitting_list(member);
    if (list != member->list)
        member_set_list(member, list);
    loop_enqueue_if_ready(member->loop);
}

void member_requeue(struct member *member)
{
    member_set_list(member, fitting_list(member));
}

/* In a round, each idle worker gets the same number of events: as even as one event at a time, with fewer lines. */
static void begin_round(struct loop *loop)
{
    uint32_t idle = loop->idle_count > 1 ? loop->idle_count : 1;
    size_t share = loop->ready_count / idle;

    loop->round_left = idle;
    loop->round_share = share > 1 ? (uint32_t)share : 1;
}

size_t member_take_share(struct member *member)
{
    struct loop *loop = member->loop;
    uint32_t room = (uint32_t)(member->prefetch - member->lease_count);

    if (loop->round_left == 0)
        begin_round(loop);
    loop->round_left--;
    return loop->round_share < room ? loop->round_share : room;
}

/* ---- Leases ----------------------------------------------------------------------------------------------------- */

void member_add_lease(struct member *member, struct stream *stream)
{
    INVARIANT(!stream->holder && member->lease_count < member->prefetch);
    stream->holder = member;
    stream->leased_interests = 0;
    TAILQ_INSERT_TAIL(&member->leases, stream, lease_link);
    member->lease_count++;
    member->loop->loops->lease_count++;
}

void member_remove_lease(struct member *member, struct stream *stream)
{
    INVARIANT(stream->holder == member && member->lease_count > 0);
    TAILQ_REMOVE(&member->leases, stream, lease_link);
    member->lease_count--;
    member->loop->loops->lease_count--;
    stream->holder = NULL;
}

void member_end_lease(struct stream *stream)
{
    struct member *member = stream->holder;

    stream->redelivered = 0;
    if (!member)
        return;
    member_remove_lease(member, stream);
    member_update(member);
}

/* ---- Entering and leaving --------------------------------------------------------------------------------------- */

struct member *member_next_consumer(const struct loop *loop, const struct member *member)
{
    struct member *next = member ? TAILQ_NEXT(member, link) : TAILQ_FIRST(&loop->members);

    while (next && !member_is_consumer(next))
        next = TAILQ_NEXT(next, link);
    return next;
}

/* Consumers stand first, so that the search for a consumer does not pass guests. */
void member_enter(struct member *member, struct loop *loop, enum role role, uint16_t prefetch)
{
    INVARIANT(!member->loop && !member->poll && (role != ROLE_OWNER || (!loop->owner && !loop->worker_count)));
    member->loop = loop;
    member->role = (uint8_t)role;
    member->prefetch = prefetch;
    TAILQ_INIT(&member->leases);
    if (role == ROLE_GUEST)
        TAILQ_INSERT_TAIL(&loop->members, member, link);
    else
        TAILQ_INSERT_HEAD(&loop->members, member, link);
    if (role == ROLE_OWNER)
        loop->owner = member;
    loop->worker_count += role == ROLE_WORKER;
    loop->guest_count += role == ROLE_GUEST;
    member_update(member);
}

/* The new epoch marks pending readiness as possibly out of date. */
static void forget_consumers(struct loop *loop)
{
    loop->epoch++;
    loop_dequeue(loop);
}

void member_leave(struct member *member)
{
    struct loop *loop = member->loop;

    INVARIANT(TAILQ_EMPTY(&member->leases));
    member_set_list(member, MEMBERS_NONE);
    TAILQ_REMOVE(&loop->members, member, link);
    if (member->role == ROLE_OWNER)
        loop->owner = NULL;
    loop->worker_count -= member->role == ROLE_WORKER;
    loop->guest_count -= member->role == ROLE_GUEST;
    member->loop = NULL;
    member->blocked_by_batch = 0;
    if (member_is_consumer(member) && !loop->worker_count)
        forget_consumers(loop);
}
