/* SPDX-License-Identifier: MIT */
/*
 * What one turn of the daemon's thread shares: the reactor, the schedule, how much work was done, and the counts of
 * `stats`.
 *
 * Owns the reactor, the schedule and the retry timer. Calls those, and the function that retries.
 */
#ifndef MINIMIO_DAEMON_WIRE_TURN_H
#define MINIMIO_DAEMON_WIRE_TURN_H

#include "daemon/base/reactor.h"
#include "daemon/base/schedule.h"
#include "daemon/base/stats.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* How many bytes of one client's input are read in a turn, so that the turn of other clients comes soon. */
#define TURN_READ_BYTES 16384

/* How many units of work (handlers.c has their table; a ping is one) are done for one session in a turn: fewer than
 * delay others noticeably, more than the cost of a turn; and how many while others wait in that turn. */
#define TURN_UNITS        64
#define TURN_UNITS_SHARED 16

struct turn {
    struct reactor reactor;
    struct schedule schedule;
    struct stats stats;
    const struct limits *limits;
    struct timer retry;                   /* runs after memory ran out */
    void (*retry_all)(struct turn *turn); /* repeats the work that memory ran out for */
    uint64_t units;                       /* of work done for requests since the start */
    bool stopping;                        /* the daemon ends: no further request is read */
    char scratch[TURN_READ_BYTES];        /* the bytes of the last read, before a session keeps any of them */
};

/* The turn must be zeroed. `settle` is the schedule's. The reactor is initialized apart. */
void turn_init(struct turn *turn, const struct limits *limits, void (*settle)(struct schedule *schedule),
               void (*retry_all)(struct turn *turn));

/* Runs the task in this turn, or in the next if the task runs already; while the daemon stops, never. */
void turn_add(struct turn *turn, struct task *task);

/* Whether work that is done in pieces is to go on in a later turn. Reads the clock; never true when the daemon ends. */
bool turn_piece_is_over(struct turn *turn);

/* Memory ran out for work that is to be repeated soon. */
void turn_retry_soon(struct turn *turn);

/* The value of `units` at which the session that runs now has used its budget of this turn. */
uint64_t turn_budget(const struct turn *turn);

#endif
