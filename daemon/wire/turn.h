/* SPDX-License-Identifier: MIT */
/*
 * State of a turn of the daemon's thread: the reactor, the schedule, units of work, and the counts of `stats`.
 *
 * Owns the reactor, the schedule and the retry timer. Calls all three, and the function that retries.
 */
#ifndef MINIMIO_DAEMON_WIRE_TURN_H
#define MINIMIO_DAEMON_WIRE_TURN_H

#include "daemon/base/reactor.h"
#include "daemon/base/schedule.h"
#include "daemon/base/stats.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes read at once from a client: few, to let other clients run soon. */
#define TURN_READ_BYTES 16384

/* Units of work for a session in a turn, alone and while other tasks wait. A ping is one unit; dispatch.c has the
 * table. Fewer units than delay other sessions noticeably, and more than a turn costs. */
#define TURN_UNITS        64
#define TURN_UNITS_SHARED 16

struct turn {
    struct reactor reactor;
    struct schedule schedule;
    struct stats stats;
    const struct limits *limits;
    struct timer retry;                   /* runs after memory ran out */
    void (*retry_all)(struct turn *turn); /* repeats work that failed for want of memory */
    uint64_t units;                       /* of work done for requests since the start */
    bool stopping;                        /* the daemon ends: no further request is read */
    char scratch[TURN_READ_BYTES];        /* bytes of the last read; a session copies the rest */
};

/* The turn must be zeroed. `settle` is for schedule_init. The reactor is initialized separately. */
void turn_init(struct turn *turn, const struct limits *limits, void (*settle)(struct schedule *schedule),
               void (*retry_all)(struct turn *turn));

/* Runs the task in this turn, or in the next turn if the task runs now. Does nothing while the daemon stops. */
void turn_add(struct turn *turn, struct task *task);

/* Whether work in pieces must continue in a later turn. Reads the clock. Never true while the daemon stops. */
bool turn_piece_is_over(struct turn *turn);

/* Repeats work soon that failed for want of memory. */
void turn_retry_soon(struct turn *turn);

/* The value of `units` at which the running session has used its budget of this turn. */
uint64_t turn_budget(const struct turn *turn);

#endif
