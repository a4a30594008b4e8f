/* SPDX-License-Identifier: MIT */
/*
 * Handlers: a short function for each method, from a typed request to the answer. No JSON, no sockets.
 *
 * Owns no state. Calls sessions, loops and pending calls.
 */
#ifndef MINIMIO_DAEMON_METHODS_HANDLERS_H
#define MINIMIO_DAEMON_METHODS_HANDLERS_H

#include "daemon/sessions/call.h"
#include "proto/request.h"

struct context;

typedef void handler(struct context *context, struct call *call, const struct params *params);

/* handle_hello and so on, a handler for each row of proto/method_rows.h: handlers_register.c has
 * register and reregister, handlers_streams.c deregister and take, handlers_data.c data, handlers_loops.c loops. */
#define METHOD_DECLARATION(symbol, function, name, loop, effect, cost, params, summary, result)                        \
    handler handle_##function;
METHOD_ROWS(METHOD_DECLARATION)
#undef METHOD_DECLARATION

#endif
