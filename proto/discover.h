/* SPDX-License-Identifier: MIT */
/*
 * The protocol as an OpenRPC document, made from the table of methods that checks the parameters.
 */
#ifndef MINIMIO_PROTO_DISCOVER_H
#define MINIMIO_PROTO_DISCOVER_H

#include "proto/buffer.h"

/* The reply to `rpc.discover`. It fits a line of the default length. */
void reply_discover(struct buffer *out, struct span id);

#endif
