/* SPDX-License-Identifier: MIT */
/*
 * Waits for the socket, then reads and writes.
 */
#ifndef MINIMIO_CLIENT_LIB_CLIENT_EXCHANGE_H
#define MINIMIO_CLIENT_LIB_CLIENT_EXCHANGE_H

#include "client/lib/client_state.h"

/* Waits until the socket is readable, or writable if output is queued; then reads and writes. Queues received messages.
 */
int client_exchange(struct minimio_client *client, int64_t deadline_ns);

#endif
