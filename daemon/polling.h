/* SPDX-License-Identifier: MIT */
/*
 * A `poll` under way: the call that waits, and what it waits for. The poll is answered when its loop has events, or its
 * time is over. Level streams are asked about before: as many as the poll may be answered with, then more, a piece a
 * turn, until that many are ready or all were asked about.
 */
#ifndef MINIMIO_DAEMON_POLLING_H
#define MINIMIO_DAEMON_POLLING_H

#include "daemon/call.h"
#include "daemon/schedule.h"
#include "daemon/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct context;

struct polling {
    struct call call;
    struct context *context;
    struct loop *loop;
    struct task recheck_task; /* runs when the kernel was asked about a piece */
    struct timer timeout;
    uint64_t max;
    size_t rechecked;   /* so many at the front of loop->ready were asked about */
    bool needs_recheck; /* the kernel is to be asked before it is answered */
    bool expired;       /* its time is over */
};

/*
 * Begins a poll in a loop that has none; `timeout_ms` NULL: no limit, 0: what is ready now. `call` is copied. Error:
 * -ENOMEM; nothing is answered then.
 */
int polling_begin(struct context *context, const struct call *call, struct loop *loop, const uint64_t *timeout_ms,
                  uint64_t max);

/* Is there an answer by now? */
bool polling_is_due(const struct polling *polling);

/* Answers with what is ready, and ends. */
void polling_answer(struct polling *polling);

/* Ends it with this fault for an answer, or with none (NULL: the session is gone). */
void polling_cancel(struct polling *polling, const struct fault *fault);

#endif
