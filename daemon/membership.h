/* SPDX-License-Identifier: MIT */
/*
 * Which session is in which loop: entering, leaving, taking over, and how long a named loop waits for the next one.
 *
 * A loop has at most one session and a session at most one loop. What waits for an answer in a loop (connecting
 * streams, a poll) belongs to the session that is in it, and ends when that leaves.
 */
#ifndef MINIMIO_DAEMON_MEMBERSHIP_H
#define MINIMIO_DAEMON_MEMBERSHIP_H

#include "daemon/loop.h"
#include "proto/fault.h"

struct server;
struct session;

/*
 * The session, which is in no loop, is in this one from now on, where nobody is. Every stream is armed again, so that
 * what is ready now is told, though the session before may have been told it already.
 */
void membership_enter(struct session *session, struct loop *loop);

/*
 * The session leaves its loop, if it has one: an anonymous one is closed, a named one lingers. What waits is answered
 * with `fault`, or not at all (NULL: the session is gone).
 */
void membership_leave(struct session *session, const struct fault *fault);

/* Whoever is in it leaves the loop, which does not linger: somebody else is about to enter. */
void membership_detach(struct loop *loop, const struct fault *fault);

/* Nobody is in the loop, which is named, for as long as its linger says; then it is closed. */
void membership_linger(struct server *server, struct loop *loop);
/* Ends what waits in the loop, with the tokens that are still connecting: answered with `fault`, or not at all. */
void membership_end_calls(struct loop *loop, const struct fault *fault);

/* Closes a loop whoever is in it: its streams are closed, what waits is answered with `fault`, or not at all. */
void membership_close(struct server *server, struct loop *loop, const struct fault *fault);

/* Closes all named loops, which nobody is in any more: the daemon ends. */
void membership_close_all(struct server *server);

#endif
