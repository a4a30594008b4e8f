/* SPDX-License-Identifier: MIT */
/*
 * What is measured: a peer's work on the same pairs of sockets as everybody else's, in nanoseconds.
 *
 * All pairs are registered while events are measured; `active` of them, spread evenly, have something to read.
 */
#ifndef MINIMIO_BENCH_WORKLOAD_H
#define MINIMIO_BENCH_WORKLOAD_H

#include "bench/library/peer.h"

/* Makes as many pairs as that, or as descriptors allow; returns how many. */
int pairs_open(int wanted);
void pairs_close(void);

/* The workloads use the first `count` of them from here on. */
void pairs_use(int count);

/* Opens the peer's queue and registers every pair, then registers them all anew. Nanoseconds a pair for each. */
void register_all(const struct peer *peer, enum mode mode, double *ret_register_ns, double *ret_reregister_ns);

/*
 * Forgets every pair and closes the queue: some leave to the closing what others do at once. Nanoseconds a pair.
 */
double deregister_all(const struct peer *peer);

/*
 * Dispatch: the handler does nothing, so its sources stay ready. Nanoseconds an event, of the median turn; under
 * ONESHOT the arming anew is part of it. Under EDGE what is to be reported again is registered anew, which is not
 * counted.
 */
double dispatch_ns(const struct peer *peer, enum mode mode, int active);

/*
 * Chain: the handler reads a byte and writes one to the next pair, until all writes are spent. Nanoseconds an event, of
 * the least disturbed chain of several.
 */
double chain_ns(const struct peer *peer, int active);

#endif
