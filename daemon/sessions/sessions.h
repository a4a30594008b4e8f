/* SPDX-License-Identifier: MIT */
/*
 * What is done to all sessions at once: after memory ran out, when the settings change, and when the daemon ends.
 *
 * Owns no state. Calls the sessions, their connections and their loops.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_SESSIONS_H
#define MINIMIO_DAEMON_SESSIONS_SESSIONS_H

#include "daemon/sessions/context.h"

/* Repeats the work that memory ran out for; `turn` is the context's. */
void sessions_retry(struct turn *turn);

/* Applies new rules of access. */
void sessions_apply_access(struct context *context);

/*
 * The daemon ends: tells each client, and begins to close its session. Nothing is read any more, and loops that were
 * being closed are closed.
 */
void sessions_begin_end(struct context *context);

/* Ends the sessions that are left. */
void sessions_free_all(struct context *context);

/* Closes every loop; what is recorded of the loops stays, for the next daemon. There are no sessions any more. */
void sessions_close_loops(struct context *context);

#endif
