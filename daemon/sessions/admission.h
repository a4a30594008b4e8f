/* SPDX-License-Identifier: MIT */
/*
 * Admission of clients: the rules of access and the limits admit a new connection to a session, or refuse the
 * connection with a fault.
 *
 * Owns no state. Calls the rules, the accounts, and session_new.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_ADMISSION_H
#define MINIMIO_DAEMON_SESSIONS_ADMISSION_H

/* The listener's callbacks; `context` is the struct context. Each takes `fd`, a new connection. */
void admission_admit(void *context, int fd);

/* Refuses the client: the daemon has no descriptor left. */
void admission_turn_away(void *context, int fd);

#endif
