/* SPDX-License-Identifier: MIT */
/*
 * A `register` by address under way: the call that waits for its answer, the stream that has taken the token, and the
 * connector that works for both. When the connector is done and the session's output is full, the answer waits until
 * the client has read: until then the stream is connecting, and not watched.
 */
#ifndef MINIMIO_DAEMON_METHODS_PENDING_CONNECT_H
#define MINIMIO_DAEMON_METHODS_PENDING_CONNECT_H

#include "daemon/connect/connector.h"
#include "daemon/loops/stream.h"
#include "daemon/sessions/call.h"
#include "daemon/sessions/context.h"

/*
 * Begins to connect `stream`, which is new. Takes the call (`call` itself is copied) in both cases. Error: -ENOMEM;
 * nothing is answered yet, and the stream is the caller's to free. The stream's pending call is it.
 */
int pending_connect_begin(struct context *context, const struct call *call, struct stream *stream,
                          const struct target *target, uint64_t timeout_ms, bool nodelay, bool keepalive);

#endif
