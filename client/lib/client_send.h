/* SPDX-License-Identifier: MIT */
/*
 * What goes out: requests in order, each with its descriptors beside its first byte.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_SEND_H
#define MINIMIO_CLIENT_LIB_CLIENT_SEND_H

#include "client/lib/client_state.h"

/* An id of 0 makes a notification. */
int client_queue_request(struct minimio_client *client, const char *method, const char *params, uint64_t id);

/* Sends what the kernel takes. 0: all has left; -EAGAIN: not yet; or an error, told. */
int client_send_now(struct minimio_client *client);
void client_forget_outgoing(struct minimio_client *client);

#endif
