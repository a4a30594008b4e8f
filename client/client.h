/* SPDX-License-Identifier: MIT */
/*
 * A session with the daemon, for C programs: connect, call a method and await its reply, send without waiting, and
 * take the messages that come. One thread uses a client at a time.
 *
 * Messages that come while a call awaits its reply are set aside, and client_next gives them out in their order.
 * Deadlines are those of deadline.h. After an error other than -EREMOTEIO and -ETIMEDOUT a session is of no more use.
 *
 * Errors of all that talks to the daemon, with client_error telling the same to people:
 *   -EREMOTEIO    the daemon answered with an error; client_fault has it whole
 *   -ETIMEDOUT    the deadline passed
 *   -ECONNRESET   the daemon closed the session
 *   -EBADMSG      what came is no message of the protocol
 *   -EMSGSIZE     a line came that is longer than the protocol allows
 *   -ENOBUFS      more messages were set aside than are kept
 *   -ENOMEM       and what the system says of the socket
 */
#ifndef MINIMIO_CLIENT_CLIENT_H
#define MINIMIO_CLIENT_CLIENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_SET_ASIDE_MAX 16384 /* messages; a daemon that sends more during one call has gone wrong */

struct client;

/* Opens a session at the socket `path`. Errors: connect's, -ENAMETOOLONG, -ETIMEDOUT, -ENOMEM. */
int client_connect(const char *path, int64_t deadline_ns, struct client **ret_client);
struct client *client_free(struct client *client);

/* The socket, for a caller that waits for more than this session; borrowed. */
int client_fd(const struct client *client);

/*
 * Sends a request. `params` is JSON text, NULL for none. The reply comes by client_next; its id is `*ret_id`.
 * With `ret_id` NULL it is a notification, which has no reply.
 */
int client_send(struct client *client, const char *method, const char *params, int64_t deadline_ns, uint64_t *ret_id);

/* Sends a request and awaits its reply. The result is the caller's to delete. */
int client_call(struct client *client, const char *method, const char *params, int64_t deadline_ns, cJSON **ret_result);

/* The next message, which is a JSON object and the caller's to delete. */
int client_next(struct client *client, int64_t deadline_ns, cJSON **ret_message);

/* Has client_next a message that was set aside, so that it will not wait? */
bool client_has_message(const struct client *client);

/* Why the last call failed, for people; valid until the next one. */
const char *client_error(const struct client *client);

/* The daemon's error object after -EREMOTEIO, else NULL; valid until the next call. */
const cJSON *client_fault(const struct client *client);

/* An error object in one line for people: "no such host (RESOLVE_FAILED)". It is cut where it does not fit. */
void client_fault_text(const cJSON *fault, char *ret_text, size_t size);

#endif
