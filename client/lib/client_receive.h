/* SPDX-License-Identifier: MIT */
/*
 * Input: the queue of messages, and received descriptors.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_RECEIVE_H
#define MINIMIO_CLIENT_LIB_CLIENT_RECEIVE_H

#include "client/lib/client_state.h"

/* Reads all available data and queues every complete line. Errors: -EAGAIN, no data; other errors, set in the client.
 */
int client_receive(struct minimio_client *client);

/* Returns a queued message, or reads a message without waiting; owned by the caller. Error: -EAGAIN, no message. */
int client_take_message(struct minimio_client *client, struct queued_message **ret_message);
void client_remove_message(struct minimio_client *client, struct queued_message *queued);
void client_forget_incoming(struct minimio_client *client);

#endif
