/* SPDX-License-Identifier: MIT */
/*
 * Requests as most clients write them, decoded in one pass over their bytes: an object of jsonrpc, id, method and then
 * params by name, each name next to its colon, strings of ASCII without escapes, integers without sign, fraction or
 * exponent.
 *
 * It is a shortcut and no second judge: whatever is not of that shape, or is wrong in any way, is left to the scanner
 * and request_decode, which say what it is. What is accepted here they accept too, and decode to the same request.
 */
#ifndef MINIMIO_PROTO_PLAIN_H
#define MINIMIO_PROTO_PLAIN_H

#include "proto/limits.h"
#include "proto/request.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes the request that begins at `data`, if it is whole and plain; its texts lie in `data`, and it owns nothing.
 * `*ret_used`: its length. False: it is not, and the outputs are undefined.
 */
bool plain_decode(const char *data, size_t length, const struct limits *limits, struct request *ret_request,
                  size_t *ret_used);

#endif
