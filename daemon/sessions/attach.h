/* SPDX-License-Identifier: MIT */
/*
 * The attachment of sessions to loops: attach, detach, evict, close, linger. A session is in at most one loop, as
 * owner, guest or worker. Pending calls (connects, a poll) belong to the session and end when the session detaches. A
 * loop may have very many streams and calls: closing and ending run in pieces, as tasks of the user.
 *
 * Owns no state. Calls loops, members, streams, pending calls, batches and the accounts.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_ATTACH_H
#define MINIMIO_DAEMON_SESSIONS_ATTACH_H

#include "daemon/loops/loop.h"
#include "proto/fault.h"

struct call;
struct context;
struct session;

/* Attaches a session without a loop. The role must be free in the loop. `prefetch`: of a worker. */
void attach_enter(struct session *session, struct loop *loop, enum role role, uint16_t prefetch);

/*
 * Detaches a session without connecting streams from its loop, if any. After the last session, an anonymous loop is
 * closed, and a named loop lingers. A pending poll is answered with `fault`, or dropped (NULL: the session is closed).
 */
void attach_leave(struct session *session, const struct fault *fault);

/* Detaches the session in the same way, but keeps the loop: a session is about to attach. */
void attach_detach(struct session *session, const struct fault *fault);

/*
 * Evicts a session from a loop that another takes over, and notifies the session once its calls are ended. Until then
 * the loop counts the session as a leaver.
 */
void attach_evict(struct session *session);

/*
 * Ends the session's connects and frees the tokens. The calls are answered with `fault`, or dropped (NULL). False: more
 * connects are left for the next piece.
 */
bool attach_end_connects(struct session *session, const struct fault *fault);

/* Ends the eviction of a session without connects: the loop no longer waits for the session. */
void attach_forget(struct session *session);

/* Ends all pending calls of the session at once, except a close_loop, which attach_finish_closing ends. */
void attach_end_calls(struct session *session, const struct fault *fault);

/* Starts the linger timer of a named loop without members, and closes the loop when the timer expires. */
void attach_linger(struct context *context, struct loop *loop);

/* Closes a loop without members. The streams are closed in pieces. */
void attach_close(struct context *context, struct loop *loop);

/* Detaches and notifies all other members of the loop of the calling session, closes the loop, then answers the call.
 */
void attach_close_for(struct context *context, struct call *call);

/* Drops the session's close_loop call; the loop continues closing. */
void attach_abandon_close(struct session *session);

/* At the daemon's end: finishes closing loops at once; closes all loops, which must have no members. */
void attach_finish_closing(struct context *context);
void attach_close_all(struct context *context);

#endif
