/* SPDX-License-Identifier: MIT */
/*
 * A `poll` under way: the call that waits, and what it waits for. It is answered when its loop has readiness, or its
 * time is over; and not before the kernel was asked once more where what is known may be stale or not all there is.
 */
#ifndef MINIMIO_DAEMON_POLLING_H
#define MINIMIO_DAEMON_POLLING_H

#include "daemon/call.h"
#include "daemon/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loops;
struct server;

struct polling {
    struct call call;
    struct server *server;
    struct loop *loop;
    TAILQ_ENTRY(polling) looking_link; /* in loops->looking */
    struct timer timeout;
    uint64_t max;
    bool looking; /* the kernel is to be asked before it is answered */
    bool expired; /* its time is over */
};

/*
 * Begins a poll in a loop that has none; `timeout_ms` NULL: no limit, 0: what is ready now. `call` is copied. Error:
 * -ENOMEM; nothing is answered then.
 */
int polling_begin(struct server *server, const struct call *call, struct loop *loop, const uint64_t *timeout_ms,
                  uint64_t max);

/* Is there an answer by now? */
bool polling_is_due(const struct polling *polling);

/* Answers with what is ready, and ends. */
void polling_answer(struct polling *polling);

/* Ends it with this fault for an answer, or with none (NULL: the session is gone). */
void polling_cancel(struct polling *polling, const struct fault *fault);

/* The kernel was asked. */
void polling_looked(struct loops *loops);

#endif
