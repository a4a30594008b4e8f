/* SPDX-License-Identifier: MIT */
/*
 * Which handler carries out a request, and what the request costs its user.
 *
 * Owns the table of methods. Calls the handlers.
 */
#ifndef MINIMIO_DAEMON_METHODS_DISPATCH_H
#define MINIMIO_DAEMON_METHODS_DISPATCH_H

#include "daemon/sessions/context.h"

/* Answers the call, or has it answered later. */
request_handler handle_request;

#endif
