/* SPDX-License-Identifier: MIT */
/*
 * A pending `register` by address: the call, the connecting stream with the token, and the connector. If the session's
 * output is full when the connector is done, the answer waits until the client reads: until then the stream stays
 * connecting and unwatched.
 *
 * Owns the pending call and the connector. Calls the connector, the stream, the call and the log.
 */
#ifndef MINIMIO_DAEMON_METHODS_PENDING_CONNECT_H
#define MINIMIO_DAEMON_METHODS_PENDING_CONNECT_H

#include "daemon/connect/connector.h"
#include "daemon/loops/stream.h"
#include "daemon/sessions/call.h"
#include "daemon/sessions/context.h"

/*
 * Begins to connect `stream`, a new stream, and sets stream->connect. Copies `call`. Error: -ENOMEM; the call is
 * unanswered, and the caller must free the stream.
 */
int pending_connect_begin(struct context *context, const struct call *call, struct stream *stream,
                          const struct target *target, uint64_t timeout_ms, bool nodelay, bool keepalive);

/* Adds a register with ensure of the token that the stream is connecting for. Errors: as pending_follow_begin. */
int pending_connect_follow(struct context *context, const struct call *call, struct stream *stream,
                           struct fault *ret_fault);

/* Ends the connect of a connecting stream, and answers all calls that wait for the outcome. */
void pending_connect_fail(struct stream *stream, const struct fault *fault);

#endif
