/* SPDX-License-Identifier: MIT */
/*
 * A registration: the interests, the pending readiness, and the requests to AFD. AFD's events are lasting states, as
 * under LEVEL; the choice of requested events implements the modes:
 *
 *   ONESHOT  after an event, no events are requested until reregister.
 *   EDGE     a reported event is requested again after the program has exhausted the socket (a call that would block),
 *            or has reregistered.
 *   LEVEL    all events are requested again in each wait, so that readiness that has gone is not reported.
 *
 * A second request waits only for the close of the socket, for as long as the socket is registered. The number of a
 * closed SOCKET is reused for the next socket, which must not be mistaken for the old socket, and in every mode the
 * first request is at times not pending.
 *
 * These functions make no system calls. The selector's lock must be held.
 */
#ifndef MINIMIO_WATCH_WINDOWS_H
#define MINIMIO_WATCH_WINDOWS_H

#include "libminimio/minimio.h"

#include "libminimio/afd_windows.h"
#include "libminimio/socket_table_windows.h"

#include <stddef.h>

struct group;

/* A member of a ring; alone, a ring of one. */
struct link {
    struct link *next, *previous;
};

struct watch {
    struct socket_entry entry;
    struct link all, updating, readying; /* links of the selector's rings */
    struct group *group;                 /* the group whose handle receives the requests */
    SOCKET base;
    minimio_token token;
    minimio_interests interests;
    enum minimio_mode mode;
    uint32_t wanted;    /* the events to request; 0: none at present */
    uint32_t ready;     /* the readiness to return */
    uint32_t closed;    /* the closed flags caused by the program's own shutdown */
    uint32_t delivered; /* the readiness returned since the last register or reregister */
    bool is_removed;    /* the registration has ended, but the kernel still owns a request */
    bool is_outdated;   /* the request in the kernel precedes the last reregister */
    bool is_dead;       /* reset, or failed to connect: no event can follow */
    struct afd_request request;
    struct afd_request closing;
};

/* The registration that contains `part`. */
#define WATCH_OF(part, member) ((struct watch *)(void *)((char *)(part)-offsetof(struct watch, member)))

/* Registers again: drops the pending readiness, and requests all events of the interests. */
void watch_arm(struct watch *watch, minimio_token token, minimio_interests interests, enum minimio_mode mode);

/* Handles the events that AFD has reported. */
void watch_apply_events(struct watch *watch, uint32_t events);

/* Handles the program's own shutdown. */
void watch_shut(struct watch *watch, uint32_t closed);

/* The program has exhausted the socket in the directions of `interests`; for EDGE. */
void watch_rearm(struct watch *watch, minimio_interests interests);

/*
 * Adds the readiness that the program's own shutdown implies, without a request; under LEVEL in each wait. A direction
 * outside the interests is reported once.
 */
void watch_repeat(struct watch *watch);

/* Returns the pending readiness and clears the pending readiness. */
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

/* Appends at the end of the ring that begins with `ring`. */
static inline void link_append(struct link *ring, struct link *link)
{
    link->next = ring;
    link->previous = ring->previous;
    ring->previous->next = link;
    ring->previous = link;
}

#endif
