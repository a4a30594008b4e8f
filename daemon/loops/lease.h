/* SPDX-License-Identifier: MIT */
/*
 * Leases: a stream whose event a worker got belongs to this worker until a request ends the lease. A worker that leaves
 * abandons its leases: the streams are armed again, and their next event is marked as redelivered.
 *
 * Owns no state. Calls members and streams.
 */
#ifndef MINIMIO_DAEMON_LOOPS_LEASE_H
#define MINIMIO_DAEMON_LOOPS_LEASE_H

#include "daemon/loops/member.h"

/* Marks the readiness of the first `count` ready streams as delivered to the worker, and leases the streams. Returns
 * the number of redelivered streams. */
size_t lease_ready(struct member *member, size_t count);

/* Abandons all leases of a member that is about to leave: at most PREFETCH_MAX. */
void lease_abandon_all(struct member *member, struct reactor *reactor);

#endif
