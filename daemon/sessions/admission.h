/* SPDX-License-Identifier: MIT */
/*
 * Which clients get a session: a new connection is admitted by the rules of access and the limits, or refused with the
 * reason.
 *
 * Owns no state. Calls the rules, the accounts, and what begins a session.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_ADMISSION_H
#define MINIMIO_DAEMON_SESSIONS_ADMISSION_H

/* The listener's callbacks; `context` is the struct context. Each takes `fd`, a new connection. */
void admission_admit(void *context, int fd);

/* Refuses the client: the daemon has no descriptor left. */
void admission_turn_away(void *context, int fd);

#endif
