/* SPDX-License-Identifier: MIT */
/*
 * The session with the daemon, its calls, and its failures explained.
 */
#ifndef MINIMIO_CLIENT_CTL_CONNECTION_H
#define MINIMIO_CLIENT_CTL_CONNECTION_H

#include "client/ctl/options.h"
#include "client/lib/minimio-client.h"

#include <cjson/cJSON.h>

/* Opens a session, or says why not and what to do. Returns 0 or the exit code. */
int connection_open(const struct command *command, const struct options *options, int64_t deadline_ns,
                    struct minimio_client **ret_client);

/* Likewise, but a daemon that is not there is awaited for `patience_ns`. */
int connection_await(const struct command *command, const struct options *options, int64_t patience_ns,
                     int64_t deadline_ns, struct minimio_client **ret_client);

/* Likewise, and tells whether the loop that was opened, --loop's or the session's own, is one that has to be polled. */
int connection_open_loop(const struct command *command, const struct options *options, int64_t deadline_ns,
                         struct minimio_client **ret_client, bool *ret_polled, uint64_t *ret_registrations);

/* Calls a method, or says why it failed. `ret_result` may be NULL. Returns 0 or the exit code. */
int session_call(const struct command *command, struct minimio_client *client, const char *method, const char *params,
                 int64_t deadline_ns, cJSON **ret_result);

/* Likewise, with parameters that it takes. */
int session_call_with(const struct command *command, struct minimio_client *client, const char *method, cJSON *params,
                      int64_t deadline_ns, cJSON **ret_result);

/* Opens a session, calls one method and closes it. Says what failed. Returns 0 or the exit code. */
int connection_call(const struct command *command, const struct options *options, const char *method,
                    const char *params, cJSON **ret_result);

/* Says on standard error why a call of the client failed with `error`. Returns the exit code. */
int connection_failed(const struct command *command, const struct minimio_client *client, int error);

/*
 * An error object of the daemon in one line: the system's words where the system says why, as `wait` prints them
 * ("Connection refused"), else the message and the error's name ("... (TOKEN_UNKNOWN)"). Cut where it does not fit.
 * `address` is the one that was asked for, and not repeated; NULL: none.
 */
void explain_fault(const cJSON *fault, const char *address, char *ret_text, size_t size);

#endif
