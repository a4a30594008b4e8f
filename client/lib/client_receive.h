/* SPDX-License-Identifier: MIT */
/*
 * What comes in, up to the queue of kept messages, and the descriptors that came.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_RECEIVE_H
#define MINIMIO_CLIENT_LIB_CLIENT_RECEIVE_H

#include "client/lib/client_state.h"

/* Keeps all that is there now; whole lines are never left where only the next byte would show them. -EAGAIN: nothing is
 * there; or an error, told. */
int client_receive(struct minimio_client *client);

/* One message out of the kept ones or off the socket, without waiting: the caller's. -EAGAIN: there is none. */
int client_take_kept(struct minimio_client *client, struct kept **ret_kept);
void client_remove_kept(struct minimio_client *client, struct kept *kept);
void client_forget_incoming(struct minimio_client *client);

#endif
