/* SPDX-License-Identifier: MIT */
/*
 * Finds the stream that a request names. Without a suitable stream the functions answer the call.
 *
 * Owns no state. Calls the session's loop and the call.
 */
#ifndef MINIMIO_DAEMON_METHODS_FIND_STREAM_H
#define MINIMIO_DAEMON_METHODS_FIND_STREAM_H

#include "daemon/sessions/call.h"

#include <stdbool.h>
#include <stdint.h>

struct stream;

/* The stream with this token in the session's loop. NULL: the call is answered with TOKEN_UNKNOWN. */
struct stream *find_stream(struct call *call, uint64_t token);

/* The same for an open stream. NULL: the call is answered with TOKEN_UNKNOWN, or with NOT_CONNECTED. */
struct stream *find_open_stream(struct call *call, uint64_t token);

/*
 * The same for an open stream that is not leased to another session. NULL: the call is answered, with LEASED for the
 * lease.
 */
struct stream *find_free_stream(struct call *call, uint64_t token);

/* Whether the stream is leased to another session. If so, the call is answered with LEASED. */
bool find_is_leased(struct call *call, const struct stream *stream);

/*
 * The same for an open stream, not leased to another session, that the daemon may read and write for this session. The
 * peer of a Unix or netlink socket sees the daemon's credentials, so only the daemon's own user may use such a stream.
 * NULL: the call is answered, with DENIED for the credentials.
 */
struct stream *find_data_stream(struct call *call, uint64_t token);

#endif
