/* SPDX-License-Identifier: MIT */
/*
 * A registration: what it waits for, what of that has come, and the requests that ask AFD. AFD's states last, as under
 * LEVEL; the other modes are made of what is asked for:
 *
 *   ONESHOT  after an event nothing is, until reregister.
 *   EDGE     what was reported is not asked for again before the program has met the end of it, a call that would
 *            block, or has reregistered.
 *   LEVEL    all of it is, anew in each wait, so that what has gone meanwhile is not reported.
 *
 * Beside the request that waits, another one waits for nothing but the closing of the socket for as long as it is
 * registered. A closed SOCKET's number is given to the next socket, which must not be taken for the old one, and in
 * every mode there are times in which the first request is not out.
 *
 * No calls are made here. The selector's lock is held.
 */
#ifndef MINIMIO_WATCH_WINDOWS_H
#define MINIMIO_WATCH_WINDOWS_H

#include "libminimio/minimio.h"

#include "libminimio/afd_windows.h"
#include "libminimio/socket_table_windows.h"

#include <stddef.h>

struct group;

/* A place in a ring; on its own, in none. */
struct link {
    struct link *next, *previous;
};

struct watch {
    struct socket_entry entry;
    struct link all, updating, readying; /* the selector's rings */
    struct group *group;                 /* whose handle its requests go to */
    SOCKET base;
    minimio_token token;
    minimio_interests interests;
    enum minimio_mode mode;
    uint32_t wanted; /* the events to ask for; 0: none at present */
    uint32_t ready;  /* the readiness that is to be returned */
    uint32_t closed; /* of the closed flags, those that the program's own shutdown has brought about */
    uint32_t told;   /* what was returned since it was registered, or registered anew */
    bool is_removed; /* it is no registration any more, but the kernel still has a request */
    bool is_stale;   /* the request in the kernel was sent before the last reregister */
    bool is_dead;    /* reset, or failed to connect: nothing more will come */
    struct afd_request request;
    struct afd_request closing;
};

/* The registration of which that is a part. */
#define WATCH_OF(part, member) ((struct watch *)(void *)((char *)(part)-offsetof(struct watch, member)))

/* Registers it anew: what was ready is dropped, what is to be asked for is all of it. */
void watch_arm(struct watch *watch, minimio_token token, minimio_interests interests, enum minimio_mode mode);

/* Takes up events that AFD told. */
void watch_take(struct watch *watch, uint32_t events);

/* Takes up the program's own shutdown. */
void watch_shut(struct watch *watch, uint32_t closed);

/* The program met the end of what was reported under EDGE, in the directions of `interests`. */
void watch_rearm(struct watch *watch, minimio_interests interests);

/*
 * Under LEVEL, in each wait: what is ready by the program's own shutdown, without asking AFD; of a direction that
 * nobody waits for, once.
 */
void watch_repeat(struct watch *watch);

/* Takes out what is to be returned of it. */
uint32_t watch_deliver(struct watch *watch);

/* ---- Rings ------------------------------------------------------------------------------------------------------ */

static inline void link_init(struct link *link)
{
    link->next = link->previous = link;
}

static inline bool link_is_alone(const struct link *link)
{
    return link->next == link;
}

static inline void link_remove(struct link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link_init(link);
}

/* At the end of the ring that begins with `ring`. */
static inline void link_append(struct link *ring, struct link *link)
{
    link->next = ring;
    link->previous = ring->previous;
    ring->previous->next = link;
    ring->previous = link;
}

#endif
