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

/* handlers.c */
handler handle_hello, handle_ping, handle_stats, handle_discover;

/* handlers_loops.c */
handler handle_open_loop, handle_poll, handle_close_loop, handle_list, handle_loops;

/* handlers_register.c */
handler handle_register, handle_reregister;

/* handlers_streams.c */
handler handle_deregister, handle_take;

/* handlers_data.c */
handler handle_read, handle_write, handle_shutdown;

#endif
