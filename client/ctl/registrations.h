/* SPDX-License-Identifier: MIT */
/*
 * The registrations of a session's loop, by `list`.
 */
#ifndef MINIMIO_CLIENT_CTL_REGISTRATIONS_H
#define MINIMIO_CLIENT_CTL_REGISTRATIONS_H

#include "client/ctl/connection.h"

/* Appends all registrations of the session's loop to the array `all`. Prints the error. Returns 0 or the exit code. */
int fetch_registrations(const struct command *command, struct minimio_client *client, int64_t deadline_ns, cJSON *all);

/* Prints that the loop does not have the token. Returns EXIT_FAILED. */
int tell_unknown_token(const struct command *command, uint64_t token);

/* Checks that the session's loop has the token. Prints the error. Returns 0 or the exit code. */
int require_token(const struct command *command, struct minimio_client *client, uint64_t token, int64_t deadline_ns);

/* The address of a registration, else the peer, else "-". */
const char *registration_address(const cJSON *registration);

#endif
