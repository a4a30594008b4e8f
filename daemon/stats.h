/* SPDX-License-Identifier: MIT */
/*
 * What has happened since the start.
 */
#ifndef MINIMIO_DAEMON_STATS_H
#define MINIMIO_DAEMON_STATS_H

#include "proto/fault.h"

#include <stdint.h>

/* What took the most time of a turn that took too long. */
enum slow_cause { SLOW_GATHERING, SLOW_REQUESTS, SLOW_EVENTS, SLOW_OUTPUT, SLOW_CAUSES };

struct stats {
    int64_t started_ns; /* on CLOCK_MONOTONIC */
    uint64_t requests, replies, events;
    uint64_t bytes_in, bytes_out;
    uint64_t errors[FAULT_NAMES];     /* told to clients, by name */
    uint64_t slow_turns[SLOW_CAUSES]; /* longer than 2 ms, by cause */
};

#endif
