/* SPDX-License-Identifier: MIT */
/*
 * From the bytes that a session has read to requests that are carried out: messages are told from each other, decoded
 * and given to the handlers, for as long as the session takes any and its share of the turn lasts. What is left is kept
 * in `session->in`, and `backlog` says that messages may be in it.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_INPUT_H
#define MINIMIO_DAEMON_SESSIONS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* Whether another message may be taken. */
bool input_may_dispatch(const struct session *session, uint64_t share);

/* What was just read into the turn's scratch, behind what was kept; and what was kept alone. The latter also when
 * nothing is kept: that there is nothing more is then what is found out. */
void input_feed(struct session *session, size_t length, uint64_t share);
void input_feed_backlog(struct session *session, uint64_t share);

/* All that the client wrote was taken: what it has begun stays unfinished. */
void input_finish(struct session *session);

#endif
