/* SPDX-License-Identifier: MIT */
/*
 * The decoder: JSON text that the scanner has accepted becomes a typed request or a named fault.
 */
#ifndef MINIMIO_PROTO_REQUEST_H
#define MINIMIO_PROTO_REQUEST_H

#include "proto/buffer.h"
#include "proto/fault.h"
#include "proto/limits.h"
#include "proto/methods.h"

#include <stdbool.h>
#include <stddef.h>

/* Iterates over the requests of a message, in order. */
struct request_reader {
    struct span rest; /* private */
    bool batch;       /* the message is an array of requests, and needs an array of replies */
    size_t count;     /* number of requests; 1 without a batch */
};

/*
 * Starts to read a message. Error: -EBADMSG with an INVALID_REQUEST in `*ret_fault`: the batch is empty or above the
 * limit.
 */
int request_reader_init(struct request_reader *ret_reader, struct span message, const struct limits *limits,
                        struct fault *ret_fault);

/* The text of the next request, a part of the message; false after the last request. */
bool request_reader_next(struct request_reader *reader, struct span *ret_text);

struct request {
    enum method method;
    struct span id; /* as written, a part of the message; data NULL: a notification */
    struct params params;
    struct request_text *owned; /* private: the parameters' texts */
};

/*
 * Decodes a request. Error: -EBADMSG with `*ret_fault`. The caller calls request_deinit, after an error too.
 *
 * `ret_request->id` is set in both cases. After a fault, the id is the id of the error reply: `null` if the request's
 * id is unreadable, or if the request has no id and the fault is INVALID_REQUEST. A request without an id and with
 * another fault is a notification: the id is absent, and no reply is sent.
 *
 * With INVALID_PARAMS, `ret_request->method` and all valid parameters are set, so that a failed `register` can claim
 * the descriptor that was sent with the request.
 */
int request_decode(struct span text, const struct limits *limits, struct request *ret_request, struct fault *ret_fault);
void request_deinit(struct request *request);

#endif
