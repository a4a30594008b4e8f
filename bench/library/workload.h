/* SPDX-License-Identifier: MIT */
/*
 * The workloads: the work of a peer, in nanoseconds, on the same pairs of sockets for all peers.
 *
 * All pairs are registered while events are measured; `active` pairs, spread evenly, have data to read.
 */
#ifndef MINIMIO_BENCH_WORKLOAD_H
#define MINIMIO_BENCH_WORKLOAD_H

#include "bench/library/peer.h"

/* Opens up to `wanted` pairs, as far as descriptors permit; returns the number. */
int pairs_open(int wanted);
void pairs_close(void);

/* From now on the workloads use the first `count` pairs. */
void pairs_use(int count);

/* Opens the peer's queue, registers every pair, and reregisters every pair. Nanoseconds per pair. */
void register_all(const struct peer *peer, enum mode mode, double *ret_register_ns, double *ret_reregister_ns);

/*
 * Deregisters every pair and closes the queue, because some peers defer work to the close. Nanoseconds per pair.
 */
double deregister_all(const struct peer *peer);

/*
 * Dispatch: the handler does nothing, so its sources stay ready. Nanoseconds per event, of the median turn. Under
 * ONESHOT the rearm is included. Under EDGE the sources are reregistered between turns, which is not counted.
 */
double dispatch_ns(const struct peer *peer, enum mode mode, int active);

/*
 * Chain: the handler reads a byte and writes a byte to the next pair, until all writes are used. Nanoseconds per event,
 * of the least disturbed chain of several.
 */
double chain_ns(const struct peer *peer, int active);

#endif
