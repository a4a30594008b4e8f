/* SPDX-License-Identifier: MIT */
/*
 * The session with the daemon: connect, call, and print errors with a remedy.
 */
#ifndef MINIMIO_CLIENT_CTL_CONNECTION_H
#define MINIMIO_CLIENT_CTL_CONNECTION_H

#include "client/ctl/options.h"
#include "client/lib/minimio-client.h"

#include <cjson/cJSON.h>

/* Opens a session. Prints the error and a remedy. Returns 0 or the exit code. */
int connection_open(const struct command *command, const struct options *options, int64_t deadline_ns,
                    struct minimio_client **ret_client);

/* As connection_open; waits up to `patience_ns` for an absent daemon. */
int connection_await(const struct command *command, const struct options *options, int64_t patience_ns,
                     int64_t deadline_ns, struct minimio_client **ret_client);

/* As connection_open; also opens the loop of --loop, or the anonymous loop. `*ret_polled`: the loop has poll delivery.
 */
int connection_open_loop(const struct command *command, const struct options *options, int64_t deadline_ns,
                         struct minimio_client **ret_client, bool *ret_polled, uint64_t *ret_registrations);

/* Calls a method. Prints the error. `ret_result` may be NULL. Returns 0 or the exit code. */
int session_call(const struct command *command, struct minimio_client *client, const char *method, const char *params,
                 int64_t deadline_ns, cJSON **ret_result);

/* As session_call; frees `params`. */
int session_call_with(const struct command *command, struct minimio_client *client, const char *method, cJSON *params,
                      int64_t deadline_ns, cJSON **ret_result);

/* Opens the loop of --loop in the role of the options, in a session that has no loop or is a guest. Prints the error.
 * Returns 0, or the exit code: EXIT_TIMED_OUT if the loop was busy for --wait. */
int session_open_loop(const struct command *command, const struct options *options, int64_t deadline_ns,
                      struct minimio_client *client, cJSON **ret_result);

/* Opens a session, calls a method and closes the session. Prints the error. Returns 0 or the exit code. */
int connection_call(const struct command *command, const struct options *options, const char *method,
                    const char *params, cJSON **ret_result);

/* Prints the cause of `error`, which a function of the client library returned. Returns the exit code. */
int connection_failed(const struct command *command, const struct minimio_client *client, int error);

/*
 * Formats an error object of the daemon as a line: for an errno, the text of strerror ("Connection refused"), else the
 * message and the error's name ("... (TOKEN_UNKNOWN)"). Cuts a text that does not fit. `address` is the requested
 * address, which the line does not repeat; NULL: no address.
 */
void explain_fault(const cJSON *fault, const char *address, char *ret_text, size_t size);

#endif
