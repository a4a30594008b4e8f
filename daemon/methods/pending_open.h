/* SPDX-License-Identifier: MIT */
/*
 * A pending `open_loop`. A loop may have very many streams, and the attached session very many calls, so attaching runs
 * in pieces: wait for a loop that is closing or about to be free, end the calls of an evicted session, rearm every
 * stream. Until the answer, the session dispatches no other request.
 *
 * Owns the pending call and the reservation of the loop. Calls the loop, its streams, attach and the call.
 */
#ifndef MINIMIO_DAEMON_METHODS_PENDING_OPEN_H
#define MINIMIO_DAEMON_METHODS_PENDING_OPEN_H

#include "daemon/sessions/call.h"
#include "daemon/sessions/context.h"
#include "proto/methods.h"

/* Answers the call, at once or, if the work exceeds a piece, later. */
void pending_open_begin(struct context *context, struct call *call, const struct params *params);

#endif
