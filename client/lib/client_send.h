/* SPDX-License-Identifier: MIT */
/*
 * Output: requests in order, with descriptors at the first byte of a request.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_SEND_H
#define MINIMIO_CLIENT_LIB_CLIENT_SEND_H

#include "client/lib/client_state.h"

/* `id` 0: a notification. */
int client_queue_request(struct minimio_client *client, const char *method, const char *params, uint64_t id);

/* Sends without waiting. Returns 0 if the queue is empty. Errors: -EAGAIN; other errors, set in the client. */
int client_send_now(struct minimio_client *client);
void client_forget_outgoing(struct minimio_client *client);

#endif
