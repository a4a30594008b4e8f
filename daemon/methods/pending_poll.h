/* SPDX-License-Identifier: MIT */
/*
 * A `poll` under way: the call that waits, and what it waits for. The poll is answered when its loop has events, or its
 * time is over. Level streams are asked about before: as many as the poll may be answered with, then more, a piece a
 * turn, until that many are ready or all were asked about.
 */
#ifndef MINIMIO_DAEMON_METHODS_PENDING_POLL_H
#define MINIMIO_DAEMON_METHODS_PENDING_POLL_H

#include "daemon/loops/loop.h"
#include "daemon/sessions/call.h"
#include "daemon/sessions/context.h"

#include <stdint.h>

/*
 * Begins a poll in a loop that has none; `timeout_ms` NULL: no limit, 0: what is ready now. `call` is copied. Error:
 * -ENOMEM; nothing is answered then. The loop answers and cancels it.
 */
int pending_poll_begin(struct context *context, const struct call *call, struct loop *loop, const uint64_t *timeout_ms,
                       uint64_t max);

#endif
