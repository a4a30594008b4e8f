/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of requests to handlers, and the cost of each method in units of work.
 *
 * Owns the table of methods. Calls the handlers.
 */
#ifndef MINIMIO_DAEMON_METHODS_DISPATCH_H
#define MINIMIO_DAEMON_METHODS_DISPATCH_H

#include "daemon/sessions/context.h"

/* Answers the call, or keeps a pending call. */
request_handler handle_request;

#endif
