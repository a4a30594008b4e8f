/* SPDX-License-Identifier: MIT */
/*
 * Counters since the start, for the method `stats`.
 *
 * Owns nothing. Other rooms count.
 */
#ifndef MINIMIO_DAEMON_BASE_STATS_H
#define MINIMIO_DAEMON_BASE_STATS_H

#include "proto/fault.h"
#include "proto/reply.h"

#include <stdint.h>

struct stats {
    int64_t started_ns; /* on CLOCK_MONOTONIC */
    uint64_t requests, replies, events;
    uint64_t redeliveries; /* events of a token whose last holder did not end the lease */
    uint64_t bytes_in, bytes_out;
    uint64_t errors[FAULT_COUNT];          /* errors sent to clients, by name */
    uint64_t slow_turns[SLOW_CAUSE_COUNT]; /* longer than 2 ms, by cause */
    struct {
        uint64_t
            counts[TURN_BOUNDS + 1]; /* by the first of turn_bounds_us that the turn stayed below; the last: none */
        int64_t longest_ns, sum_ns;
    } turns;
};

#endif
