/* SPDX-License-Identifier: MIT */
/*
 * Delivers the events of a loop to its owner, or shares them among its workers.
 *
 * Owns no state. Calls members, streams, and the output of sessions.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_DELIVERY_H
#define MINIMIO_DAEMON_SESSIONS_DELIVERY_H

#include "daemon/sessions/session.h"

/* The delivery task of a loop. */
void session_deliver(struct task *task);

/* Marks the first `count` ready streams of the session's loop as delivered to the session, which is told of them. */
void delivery_mark(struct session *session, size_t count);

#endif
