/* SPDX-License-Identifier: MIT */
/*
 * Work on all sessions at once: retry after want of memory, new settings, end of the daemon.
 *
 * Owns no state. Calls the sessions, their connections and their loops.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_SESSIONS_H
#define MINIMIO_DAEMON_SESSIONS_SESSIONS_H

#include "daemon/sessions/context.h"

/* Repeats work that failed for want of memory. `turn`: context->turn. */
void sessions_retry(struct turn *turn);

/* Applies new rules of access. */
void sessions_apply_access(struct context *context);

/*
 * Begins the daemon's end: notifies each client, begins to close each session, stops reading, and finishes closing
 * loops.
 */
void sessions_begin_end(struct context *context);

/* Frees the remaining sessions. */
void sessions_free_all(struct context *context);

/* Closes every loop after the last session. The recorded loops stay in the ledger, for the next daemon. */
void sessions_close_loops(struct context *context);

#endif
