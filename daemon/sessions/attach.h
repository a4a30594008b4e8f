/* SPDX-License-Identifier: MIT */
/*
 * Which session is in which loop: entering, leaving, closing, and how long a named loop waits for the next session.
 *
 * A loop has at most one session and a session at most one loop. What waits for an answer in a loop (connecting
 * streams, a poll) belongs to the session that is in the loop, and ends when the session leaves. A loop may have very
 * many streams and calls: they are closed and ended in pieces, as tasks of their user.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_ATTACH_H
#define MINIMIO_DAEMON_SESSIONS_ATTACH_H

#include "daemon/loops/loop.h"
#include "proto/fault.h"

struct call;
struct context;
struct session;

/* The session, which is in no loop, is in this one from now on, where nobody is. */
void attach_enter(struct session *session, struct loop *loop);

/*
 * The session, which has no connecting streams any more, leaves its loop, if it has one: an anonymous loop is closed, a
 * named one lingers. A poll that waits is answered with `fault`, or not at all (NULL: the session is gone).
 */
void attach_leave(struct session *session, const struct fault *fault);

/* Likewise, but the loop does not linger: a session is about to enter. */
void attach_detach(struct loop *loop, const struct fault *fault);

/*
 * The session that is in the loop is put out of it, and told so when its calls are ended. Until then the session is
 * the loop's `leaver`.
 */
void attach_evict(struct loop *loop);

/*
 * Ends the session's connects, with their tokens: answered with `fault`, or not at all. False: more are left for the
 * next piece.
 */
bool attach_end_connects(struct session *session, const struct fault *fault);

/* The session is gone, and has no connects any more: nothing waits for it to leave. */
void attach_forget(struct session *session);

/* Ends all of the session's calls that wait, at once, but for a close_loop, which attach_finish_closing ends. */
void attach_end_calls(struct session *session, const struct fault *fault);

/* Nobody is in the loop, which is named, for as long as its linger says; then it is closed. */
void attach_linger(struct context *context, struct loop *loop);

/* Closes a loop that nobody is in: its streams are closed, in pieces. */
void attach_close(struct context *context, struct loop *loop);

/* Closes the loop of the session that calls, then answers the call. */
void attach_close_for(struct context *context, struct call *call);

/* The session that has asked for it is gone: the loop goes on closing. */
void attach_abandon_close(struct session *session);

/* Finishes, at once, the loops that are being closed; and closes all loops, which nobody is in: the daemon ends. */
void attach_finish_closing(struct context *context);
void attach_close_all(struct context *context);

#endif
