/* SPDX-License-Identifier: MIT */
/*
 * The registrations of a session's loop, by `list`.
 */
#ifndef MINIMIO_CLIENT_CTL_REGISTRATIONS_H
#define MINIMIO_CLIENT_CTL_REGISTRATIONS_H

#include "client/ctl/connection.h"

/* All registrations of the session's loop, appended to `all`, an array. Says what failed. Returns 0 or the exit code.
 */
int fetch_registrations(const struct command *command, struct minimio_client *client, int64_t deadline_ns, cJSON *all);

/* Says that the loop has no such token. Returns EXIT_FAILED. */
int tell_unknown_token(const struct command *command, uint64_t token);

/* Is the token registered in the session's loop? Says what failed. Returns 0 or the exit code. */
int require_token(const struct command *command, struct minimio_client *client, uint64_t token, int64_t deadline_ns);

#endif
