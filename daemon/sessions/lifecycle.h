/* SPDX-License-Identifier: MIT */
/*
 * How a session begins, takes its turns and ends. A session takes part in a turn in up to three steps: the session
 * reads and dispatches requests, the events of its loop are written into its output, and the output goes out in one
 * send. A session whose client does not read is left alone until the client reads: no request is read, no event
 * written.
 *
 * Owns no state. Calls the input, the calls and the loops of sessions.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_LIFECYCLE_H
#define MINIMIO_DAEMON_SESSIONS_LIFECYCLE_H

#include "daemon/sessions/session.h"

/* Takes the socket, which is the caller's until then, into a new session with an open loop. Errors: -ENOMEM, and those
 * of the registrator. */
int session_new(struct context *context, int fd, struct account *account);

/* Closes the session and leaves its loop; calls that wait have no answer. */
void session_free(struct session *session);

/* The task of a loop that has events: writes them into the output of the loop's session. */
void session_deliver(struct task *task);

#endif
