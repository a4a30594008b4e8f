/* SPDX-License-Identifier: MIT */
/*
 * Tries targets, each in a thread of its own, until they are as they are wanted. The threads are never joined: one may
 * be stuck in the system's name lookup, which nothing can interrupt, so they and what they use last as long as the
 * process does, and the deadline is kept by the one thread that waits for them.
 */
#ifndef MINIMIO_CLIENT_CTL_PROBER_H
#define MINIMIO_CLIENT_CTL_PROBER_H

#include "client/ctl/wait_target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBER_TARGETS_MAX 1000 /* each takes a thread, a descriptor and, used, some 20 KiB of stack */

enum probe_goal {
    PROBE_OPEN,     /* it accepts a connection, and answers 2xx or 3xx where it is a URL */
    PROBE_CLOSED,   /* it accepts none: refused, unreachable, no such host or socket, or no answer */
    PROBE_READABLE, /* it accepts one, and says something; not for URLs */
};

struct probe_settings {
    enum probe_goal goal;
    int64_t interval_ns; /* the pause between two tries; 0: from 100 ms, growing to 1 s */
    int64_t stable_ns; /* for how long it is to be so: a connection stays open, every answer is good, every try fails */
};

struct probers;

/* curl_load has succeeded where one of the targets is a URL. Errors: -ENOMEM. */
int probers_new(const struct wait_target *targets, size_t count, const struct probe_settings *settings,
                struct probers **ret_probers);

/* Starts all. Errors: pthread_create's; those that were started go on. */
int probers_start(struct probers *probers);

/*
 * Waits until something has changed since the count of changes was `*changes`, which is then brought up to date. A
 * target that reached the goal is a change, and one that failed otherwise than before. Returns how many have reached
 * the goal, or -ETIMEDOUT at the deadline.
 */
int probers_wait(struct probers *probers, uint64_t *changes, int64_t deadline_ns);

struct probe {
    bool reached;      /* the goal */
    int64_t at_ns;     /* when, on the clock of deadline.h */
    int error;         /* else why the last try failed: 0, none has come to an end; -EISCONN, it is open still;
                          -ENOMSG, it accepted and was silent; -ENODATA, it closed without a word;
                          -ESHUTDOWN, it closed before it was open for long enough; -EBUSY, its queue is
                          full; -ENXIO, there is no such socket; PROBE_STATUS and less, the HTTP status;
                          else an errno or an error of curl_ask */
    unsigned attempts; /* that have come to an end */
};

#define PROBE_STATUS (-100000) /* less the status that a URL answered with */

struct probe probers_get(struct probers *probers, size_t index);

#endif
