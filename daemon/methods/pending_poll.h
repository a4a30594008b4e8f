/* SPDX-License-Identifier: MIT */
/*
 * A pending `poll`, answered when the loop has events or the timeout expires. The poll asks the kernel about level
 * streams first: up to `max` streams, then more, a piece in each turn, until `max` are ready or every level stream was
 * checked.
 *
 * Owns the pending call and the timeout. Calls the loop, its streams and the call.
 */
#ifndef MINIMIO_DAEMON_METHODS_PENDING_POLL_H
#define MINIMIO_DAEMON_METHODS_PENDING_POLL_H

#include "daemon/loops/loop.h"
#include "daemon/sessions/call.h"
#include "daemon/sessions/context.h"

#include <stdint.h>

/*
 * Begins a poll of a session that is in a loop and has no poll, and sets session->member.poll. `timeout_ms` in ms;
 * NULL: no timeout; 0: current events only. Copies `call`. Error: -ENOMEM; the call is unanswered.
 */
int pending_poll_begin(struct context *context, const struct call *call, const uint64_t *timeout_ms, uint64_t max);

#endif
