/* SPDX-License-Identifier: MIT */
/*
 * The debug log of sessions: one line for each step of a request. A line names the session by number, and a request by
 * method, id and token. No line contains the data of `write` or `read`.
 *
 * Owns no state. Calls only the log. The caller checks log_is_debug() first, to save the preparation.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_TRACE_H
#define MINIMIO_DAEMON_SESSIONS_TRACE_H

#include "daemon/base/log.h"
#include "daemon/sessions/session.h"
#include "proto/fault.h"

/* The session begins; the session ends. */
void trace_opened(const struct session *session);
void trace_ended(const struct session *session);

/* The session has entered its loop, or is about to leave it. */
void trace_entered(const struct session *session);
void trace_left(const struct session *session);

/* A request will be dispatched next; the answer was written. */
void trace_request(const struct call *call, const struct request *request);
void trace_reply(const struct call *call);
void trace_fault(const struct call *call, const struct fault *fault);

/* The first `count` streams that are ready in the session's loop are about to count as delivered to the session. */
void trace_events(const struct session *session, size_t count);

#endif
