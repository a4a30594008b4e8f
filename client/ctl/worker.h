/* SPDX-License-Identifier: MIT */
/*
 * A worker in a named loop: a session that gets one event at a time, and holds the token of the event until the token
 * is registered again or removed. The delivery of the loop makes no difference to the caller.
 */
#ifndef MINIMIO_CLIENT_CTL_WORKER_H
#define MINIMIO_CLIENT_CTL_WORKER_H

#include "client/ctl/options.h"
#include "client/lib/minimio-client.h"

#include <cjson/cJSON.h>

struct worker {
    const struct command *command;
    struct minimio_client *client;
    const char *loop;
    int64_t deadline_ns; /* of all requests but those that return a token */
    bool polled;
    bool polling; /* `poll_id` waits */
    uint64_t poll_id;
};

/* Opens a session in the loop of the options, whose role is worker. Prints the error. Returns 0 or the exit code; call
 * worker_end in both cases. */
int worker_begin(struct worker *ret_worker, const struct command *command, const struct options *options,
                 int64_t deadline_ns);
void worker_end(struct worker *worker);

/* Fetches an event without waiting. Returns 1; 0: none yet, wait for the socket; or a negative exit code, after
 * printing the error. */
int worker_next(struct worker *worker, struct minimio_client_event *ret_event);

/* As worker_next, after waiting until `until_ns` at most. */
int worker_await(struct worker *worker, struct minimio_client_event *ret_event, int64_t until_ns);

/* Fetches the registration of a token, owned by the caller; NULL: the token is not registered. Returns 0 or the exit
 * code. */
int worker_find(struct worker *worker, uint64_t token, cJSON **ret_registration);

/*
 * Takes a duplicate of the stream, in the way of minimio_client_take_begin. Returns the descriptor; -ENOENT: the token
 * is not registered any more; or another negative number after printing the error.
 */
int worker_take(struct worker *worker, uint64_t token);

/* Ends the lease of the taken stream: registers the stream as before, or closes the stream. Returns 0 or the exit code.
 */
int worker_give_back(struct worker *worker, int stream);
int worker_drop(struct worker *worker);

/*
 * Ends the lease and leaves the loop as worker. A worker that only ended the lease could get another event before the
 * session ends, and the next holder of that token would be told of a redelivery. `registration`: the token is
 * registered as there; NULL: the stream is closed. Returns 0 or the exit code.
 */
int worker_leave(struct worker *worker, uint64_t token, const cJSON *registration);

#endif
