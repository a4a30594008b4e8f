/* SPDX-License-Identifier: MIT */
/*
 * Tries targets, each in a thread of its own, until they are as they are wanted. The threads are never joined: one may
 * be stuck in the system's name lookup, which nothing can interrupt, so they and what they use last as long as the
 * process does, and the deadline is kept by the one thread that waits for them.
 */
#ifndef MINIMIO_CLIENT_PROBER_H
#define MINIMIO_CLIENT_PROBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBER_TARGETS_MAX 1000 /* each takes a thread, a descriptor and, used, some 20 KiB of stack */

enum probe_goal {
    PROBE_OPEN,     /* it accepts a TCP connection */
    PROBE_CLOSED,   /* it does not: refused, unreachable, no such host, or no answer */
    PROBE_READABLE, /* it accepts one, and says something */
};

struct probers;

/* `interval_ns` is the pause between two tries; 0: from 100 ms, growing to 1 s. Errors: -ENOMEM. */
int probers_new(char *const *targets, size_t count, enum probe_goal goal, int64_t interval_ns,
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
                          -ENOMSG, it accepted and was silent; -ENODATA, it closed without a word */
    unsigned attempts; /* that have come to an end */
};

struct probe probers_get(struct probers *probers, size_t index);

#endif
