/* SPDX-License-Identifier: MIT */
/*
 * Beginning, turns and end of a session. A turn of a session has up to three steps: read and dispatch requests, write
 * the events of the loop into the output, send the output once. While the client does not read, the session reads no
 * request and writes no event.
 *
 * Owns no state. Calls the input, the calls and the loops of sessions.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_LIFECYCLE_H
#define MINIMIO_DAEMON_SESSIONS_LIFECYCLE_H

#include "daemon/sessions/session.h"

/* Makes a session with an anonymous loop. Takes the socket on success. Errors: -ENOMEM, and those of the registrator.
 */
int session_new(struct context *context, int fd, struct account *account);

/* Detaches the session from its loop, closes the connection, and drops pending calls. The reactor frees the memory. */
void session_free(struct session *session);

#endif
