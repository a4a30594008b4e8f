/* SPDX-License-Identifier: MIT */
/*
 * The debug log of sessions: one line for each step of a request. A line names the session by its number, a request by
 * its method, id and token. No line holds what `write` sent or `read` returned.
 *
 * Owns no state. Calls the log alone. The caller asks log_is_debug() first, so that nothing is prepared in vain.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_TRACE_H
#define MINIMIO_DAEMON_SESSIONS_TRACE_H

#include "daemon/base/log.h"
#include "daemon/sessions/session.h"
#include "proto/fault.h"

/* The session begins, and ends. */
void trace_opened(const struct session *session);
void trace_ended(const struct session *session);

/* The session enters the loop, or leaves it. */
void trace_entered(const struct session *session, const struct loop *loop);
void trace_left(const struct session *session, const struct loop *loop);

/* A request is about to be dispatched; its answer is written. */
void trace_request(const struct call *call, const struct request *request);
void trace_reply(const struct call *call);
void trace_fault(const struct call *call, const struct fault *fault);

/* The first `count` streams that are ready in the loop are about to count as delivered to its session. */
void trace_events(const struct loop *loop, size_t count);

#endif
