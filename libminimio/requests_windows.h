/* SPDX-License-Identifier: MIT */
/*
 * The requests of a selector's registrations: sends and cancels requests, handles completions, and keeps the readiness
 * until a wait returns the readiness.
 *
 * A completion names its request, whose memory stays valid until the completion. An event of an earlier registration
 * therefore finds the earlier registration, marked as removed, and never another registration. The polling thread takes
 * completions from the port; so does each thread that changes a registration, before the change.
 *
 * Requests are sent at the start of a wait. Changes before a wait therefore cost nothing, and readiness that has gone
 * before the wait is not reported. During a wait requests are sent at once.
 *
 * All functions require the lock; only requests_wait releases the lock while waiting.
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
    struct link updating; /* registrations whose request may have to be sent or widened before the next wait */
    struct link readying; /* ready registrations, in the order of readiness */
    size_t ready_count;
    size_t outstanding; /* requests in the kernel */
    size_t cancelling;  /* outstanding requests that were cancelled in order to be sent again */
    bool is_waiting;    /* the polling thread is in the kernel, or about to enter */
    bool is_kicked;     /* the packet of a kick was taken */
    bool must_turn;     /* a request completed without an event, and must be sent again in this wait */
};

/* Errors: -ENOMEM. */
int requests_init(struct requests *requests);

/* Waits until the kernel has returned every request, then closes the timer. Requires that all registrations are
 * removed. */
void requests_close(struct requests *requests);

/* Sends the request that waits for the close of the socket. Errors: as afd_poll and group_reserve. */
int requests_begin(struct requests *requests, struct watch *watch);

/* Ends the registration. The memory is freed when the kernel has returned the last request. */
void requests_forget(struct requests *requests, struct watch *watch);

/* Applies new wanted events or new readiness of the registration, also to a wait in progress. */
void requests_changed(struct requests *requests, struct watch *watch);

/* Makes the kernel report whether the socket was closed: `watch->closing.cancelled` is set until the completion is
 * handled. */
void requests_ask_closed(struct watch *watch);

/* Handles the packets in the port, in a thread that does not wait. */
void requests_collect(struct requests *requests);

/* Waits once. Results as selector_wait. */
int requests_wait(struct requests *requests, struct minimio_event *events, size_t capacity, int64_t timeout_ns);

/* ---- For wait_windows.c ----------------------------------------------------------------------------------------- */

/* Packets fetched at a time, 2 KiB on the stack. */
#define PACKETS_MAX 64

/* Handles `count` packets. */
void requests_complete(struct requests *requests, const OVERLAPPED_ENTRY *packets, int count);

/* Adds the registration to the ready list or removes the registration, according to `watch->ready`. */
void requests_list_ready(struct requests *requests, struct watch *watch);

/* Schedules an update of the registration's request: at once during a wait, otherwise at the start of the next wait. */
void requests_schedule(struct requests *requests, struct watch *watch);

/* Updates the scheduled requests. Error: -ENOMEM; the next wait retries the failed requests. */
int requests_update(struct requests *requests);

#endif
