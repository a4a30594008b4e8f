/* SPDX-License-Identifier: MIT */
/*
 * Probes targets until the targets reach the goal, with a thread for each target. The threads are never joined, because
 * a thread can hang in getaddrinfo, which cannot be interrupted. The threads and their memory live until the process
 * ends. The waiting thread enforces the deadline.
 */
#ifndef MINIMIO_CLIENT_CTL_PROBER_H
#define MINIMIO_CLIENT_CTL_PROBER_H

#include "client/ctl/wait_target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBER_TARGETS_MAX 1000 /* each target has a thread, a descriptor and about 20 KiB of used stack */

enum probe_goal {
    PROBE_OPEN,     /* the target accepts a connection; a URL answers 2xx or 3xx */
    PROBE_CLOSED,   /* no connection: refused, unreachable, no such host or socket, or no answer */
    PROBE_READABLE, /* the target accepts a connection and sends data; not for URLs */
};

struct probe_settings {
    enum probe_goal goal;
    int64_t interval_ns; /* the pause between two tries; 0: from 100 ms, growing to 1 s */
    int64_t stable_ns;   /* how long the goal must last: an open connection, good answers only, or failures only */
};

struct probers;

/* Requires curl_load if a target is a URL. Error: -ENOMEM. */
int probers_new(const struct wait_target *targets, size_t count, const struct probe_settings *settings,
                struct probers **ret_probers);

/* Starts the threads. Errors of pthread_create; threads that have started continue. */
int probers_start(struct probers *probers);

/*
 * Waits until the number of changes differs from `*changes`, and updates `*changes`. A change is a target that has
 * reached the goal or has failed with a new error. Returns the number of targets at the goal, or -ETIMEDOUT at the
 * deadline.
 */
int probers_wait(struct probers *probers, uint64_t *changes, int64_t deadline_ns);

struct probe {
    bool reached;      /* the goal */
    int64_t at_ns;     /* time of `reached`, on the clock of deadline.h */
    int error;         /* otherwise, the error of the last attempt: 0, no attempt has ended; -EISCONN, still open;
                          -ENOMSG, accepted, and sent nothing; -ENODATA, closed, and sent nothing;
                          -ESHUTDOWN, closed before the end of stable_ns; -EBUSY, the backlog is full;
                          -ENXIO, no such socket; PROBE_STATUS and less, an HTTP status; else an errno or
                          an error of curl_ask */
    unsigned attempts; /* ended attempts */
};

#define PROBE_STATUS (-100000) /* minus the HTTP status */

struct probe probers_get(struct probers *probers, size_t index);

#endif
