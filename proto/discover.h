/* SPDX-License-Identifier: MIT */
/*
 * The OpenRPC document of the protocol, generated from the table of methods.
 */
#ifndef MINIMIO_PROTO_DISCOVER_H
#define MINIMIO_PROTO_DISCOVER_H

#include "proto/buffer.h"

/* The reply to `rpc.discover`. The reply fits into a line of the default length. */
void reply_discover(struct buffer *out, struct span id);

#endif
