/* SPDX-License-Identifier: MIT */
/*
 * Feeds input to the dispatcher: splits the bytes read by a session into messages, decodes the requests and calls the
 * handlers, until the budget of the turn is used or the session is paused. conn->in keeps undispatched bytes, and
 * conn->backlog says that `in` may hold messages.
 *
 * Owns the session's unfinished batch. Calls the request handler, calls, batches and the connection.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_INPUT_H
#define MINIMIO_DAEMON_SESSIONS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* Whether another message may be dispatched. `budget`: as of turn_budget. */
bool input_may_dispatch(const struct session *session, uint64_t budget);

/* Feeds `length` bytes of the turn's scratch, after the kept bytes; feeds the kept bytes alone. Also clears
 * conn->backlog when no message is left, so call input_feed_backlog even without kept bytes. */
void input_feed(struct session *session, size_t length, uint64_t budget);
void input_feed_backlog(struct session *session, uint64_t budget);

/* Ends the input of the client. An incomplete message gets a fault. */
void input_finish(struct session *session);

#endif
