/* SPDX-License-Identifier: MIT */
/*
 * Fast path of the decoder: decodes requests in the form of most clients in one pass over the bytes. The form is an
 * object of jsonrpc, id, method and params by name, with method before params, each name next to the colon, strings of
 * ASCII without escapes, and integers without sign, fraction or exponent.
 *
 * The fast path reports no faults: every other request, valid or not, takes the full path of scanner and
 * request_decode. A request that the fast path accepts decodes to the same struct request on the full path.
 */
#ifndef MINIMIO_PROTO_REQUEST_FAST_H
#define MINIMIO_PROTO_REQUEST_FAST_H

#include "proto/limits.h"
#include "proto/request.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes the request at the start of `data`. The texts of the request are parts of `data`; the request owns no memory.
 * `*ret_used` is the length of the request. False: incomplete or not of the form; the outputs are undefined.
 */
bool request_decode_fast(const char *data, size_t length, const struct limits *limits, struct request *ret_request,
                         size_t *ret_used);

#endif
