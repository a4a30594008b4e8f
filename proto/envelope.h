/* SPDX-License-Identifier: MIT */
/*
 * A request's envelope: jsonrpc, id, method and params as written, and the checks of jsonrpc, id and method.
 */
#ifndef MINIMIO_PROTO_ENVELOPE_H
#define MINIMIO_PROTO_ENVELOPE_H

#include "proto/buffer.h"
#include "proto/fault.h"
#include "proto/limits.h"

/* Values as written; data NULL: absent. */
struct envelope {
    struct span version, id, method, params;
};

/*
 * Reads the envelope of one request, whose `method` is then a string. Error: -EBADMSG with `*ret_fault`, an
 * INVALID_REQUEST. `*ret_id` is set in both cases; data NULL: a notification,
 * never with a fault.
 */
int envelope_decode(struct span text, const struct limits *limits, struct envelope *ret_envelope, struct span *ret_id,
                    struct fault *ret_fault);

#endif
