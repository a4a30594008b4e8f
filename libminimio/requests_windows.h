/* SPDX-License-Identifier: MIT */
/*
 * The requests of a selector's registrations: sent and cancelled, their completions taken up, and what came of them
 * kept until a wait returns it.
 *
 * A completion names the request that it completes, whose memory is kept until then: so an event of an earlier
 * registration finds that one, marked as removed, and never another. Completions are taken from the port by the
 * polling thread and, before they look at a registration, by the threads that change one.
 *
 * Requests are sent at the beginning of a wait, so that a change before it costs nothing more and what has gone before
 * it is not reported; during a wait they are sent at once.
 *
 * All is called with the lock held. The wait alone lets go of it meanwhile.
 */
#ifndef MINIMIO_REQUESTS_WINDOWS_H
#define MINIMIO_REQUESTS_WINDOWS_H

#include "libminimio/port_windows.h"
#include "libminimio/watch_windows.h"

#include <stddef.h>

struct requests {
    SRWLOCK lock;
    struct port port;
    struct group *room;
    struct link updating; /* whose request may have to be sent or widened before the next wait */
    struct link readying; /* in the order in which they became ready */
    size_t ready_count;
    size_t outstanding; /* requests in the kernel */
    size_t cancelling;  /* of those, what was cancelled in order to be sent anew */
    bool is_waiting;    /* the polling thread is in the kernel, or on its way there */
    bool is_kicked;     /* a kick's packet was taken */
    bool must_turn;     /* a request came back without an answer and has to be sent again in this wait */
};

/* Errors: -ENOMEM. */
int requests_init(struct requests *requests);

/* Gives up what waiting needs, when the kernel has given back every request: all registrations are forgotten. */
void requests_close(struct requests *requests);

/* Sends the request that waits for the closing of the socket. Errors: afd_poll's, group_take's. */
int requests_begin(struct requests *requests, struct watch *watch);

/* Ends the registration; its memory goes when the kernel has given back the last request. */
void requests_forget(struct requests *requests, struct watch *watch);

/* The registration asks for something else, or is ready for something else, than before: a wait under way heeds it. */
void requests_changed(struct requests *requests, struct watch *watch);

/* Has the kernel say whether the socket was closed: `watch->closing.cancelled` until its completion was taken up. */
void requests_ask_closed(struct watch *watch);

/* Takes up what is in the port: by a thread that does not wait. */
void requests_collect(struct requests *requests);

/* One wait; selector_wait's results. */
int requests_wait(struct requests *requests, struct minimio_event *events, size_t capacity, int64_t timeout_ns);

/* ---- For the wait, which is a file of its own ------------------------------------------------------------------- */

/* Packets that are taken at a time, on the stack: 2 KiB of them. */
#define PACKETS 64

/* Takes up these. */
void requests_complete(struct requests *requests, const OVERLAPPED_ENTRY *packets, int count);

/* Puts it on the ring of those that are ready or takes it off, as it is. */
void requests_list_ready(struct requests *requests, struct watch *watch);

/* Has the registration's request updated: now if there is a wait under way, else when the next one begins. */
void requests_schedule(struct requests *requests, struct watch *watch);

/* Updates those. Error: -ENOMEM; what could not be sent is tried again by the next wait. */
int requests_update(struct requests *requests);

#endif
