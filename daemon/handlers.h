/* SPDX-License-Identifier: MIT */
/*
 * What each method does: a typed request in, an answer out. No JSON, no sockets.
 */
#ifndef MINIMIO_DAEMON_HANDLERS_H
#define MINIMIO_DAEMON_HANDLERS_H

#include "daemon/call.h"
#include "proto/request.h"

struct server;

/* Carries out a request. The call is answered, now or later. */
void handle_request(struct server *server, struct call *call, const struct request *request);

#endif
