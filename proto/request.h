/* SPDX-License-Identifier: MIT */
/*
 * JSON text, accepted by the scanner, to a typed request or a named fault.
 */
#ifndef MINIMIO_PROTO_REQUEST_H
#define MINIMIO_PROTO_REQUEST_H

#include "proto/buffer.h"
#include "proto/fault.h"
#include "proto/limits.h"
#include "proto/methods.h"

#include <stdbool.h>
#include <stddef.h>

/* Walks over the requests of a message: one, or those of a batch in their order. */
struct request_reader {
    struct span rest; /* private */
    bool batch;       /* an array of requests: their replies go into an array */
    size_t count;     /* how many requests there are; 1 without a batch */
};

/*
 * Opens a message for reading. Errors: -EBADMSG with `*ret_fault`, an INVALID_REQUEST for the whole message: an empty
 * batch, or more than the limit.
 */
int request_reader_init(struct request_reader *ret_reader, struct span message, const struct limits *limits,
                        struct fault *ret_fault);

/* The next request's text, within the message; false after the last. */
bool request_reader_next(struct request_reader *reader, struct span *ret_text);

struct request {
    enum method method;
    struct span id; /* as it was written, within the message; data NULL: a notification */
    struct params params;
    struct request_text *owned; /* private: the parameters' texts */
};

/*
 * Decodes one request. Errors: -EBADMSG with `*ret_fault`. `ret_request->id` is set in either case: with a fault it is
 * the id to reply with, `null` where none could be read. A request without an id whose fault is INVALID_REQUEST is
 * answered with `null`; one with any other fault is a notification, and has no answer: its id is absent.
 * With INVALID_PARAMS `ret_request->method` is set too, and the parameters that are right have their values, so that
 * a `register` that fails can still claim the descriptor that was sent for it.
 * To be freed with request_deinit, after an error too.
 */
int request_decode(struct span text, const struct limits *limits, struct request *ret_request, struct fault *ret_fault);
void request_deinit(struct request *request);

#endif
