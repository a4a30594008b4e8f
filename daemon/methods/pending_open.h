/* SPDX-License-Identifier: MIT */
/*
 * An `open_loop` under way. A loop may have very many streams, and whoever is in it very many calls, so entering is
 * done in pieces: the request waits for a loop that is being closed or left, ends the calls of a session that is put
 * out, and arms every stream again. Until the request is answered its session dispatches no other.
 */
#ifndef MINIMIO_DAEMON_METHODS_PENDING_OPEN_H
#define MINIMIO_DAEMON_METHODS_PENDING_OPEN_H

#include "daemon/sessions/call.h"
#include "daemon/sessions/context.h"
#include "proto/methods.h"

/* Answers the call, at once or, where there is more to do than a piece, later. */
void pending_open_begin(struct context *context, struct call *call, const struct params *params);

#endif
