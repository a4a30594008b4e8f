/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the socket.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_EXCHANGE_H
#define MINIMIO_CLIENT_LIB_CLIENT_EXCHANGE_H

#include "client/lib/client_state.h"

/* Waits until the socket can be read, or written where something is to be sent, and does both; what comes is kept. */
int client_exchange(struct minimio_client *client, int64_t deadline_ns);

#endif
