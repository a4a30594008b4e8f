/* SPDX-License-Identifier: MIT */
/*
 * Tries targets, each in a thread of its own, until they accept a TCP connection. The threads are never joined: one may
 * be stuck in the system's name lookup, which nothing can interrupt, so they and what they use last as long as the
 * process does, and the deadline is kept by the one thread that waits for them.
 */
#ifndef MINIMIO_CLIENT_PROBER_H
#define MINIMIO_CLIENT_PROBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBER_TARGETS_MAX 1000 /* each takes a thread, a descriptor and, used, some 20 KiB of stack */

struct probers;

/* `interval_ns` is the pause between two tries; 0: from 100 ms, growing to 1 s. Errors: -ENOMEM. */
int probers_new(char *const *targets, size_t count, int64_t interval_ns, struct probers **ret_probers);

/* Starts all. Errors: pthread_create's; those that were started go on. */
int probers_start(struct probers *probers);

/* Waits until `wanted` targets have answered: 0, or -ETIMEDOUT at the deadline. */
int probers_wait(struct probers *probers, size_t wanted, int64_t deadline_ns);

/* Did this target answer? If not, `*ret_error` is why its last try failed, 0 where none has come to an end. */
bool probers_answered(struct probers *probers, size_t index, int *ret_error);

#endif
