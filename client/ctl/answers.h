/* SPDX-License-Identifier: MIT */
/*
 * How many answers the requests in a stream of bytes have: the daemon's own framing and decoding, for its clients. A
 * request with an id has one, a batch has one unless it holds notifications only, and a fault in the bytes has one.
 */
#ifndef MINIMIO_CLIENT_CTL_ANSWERS_H
#define MINIMIO_CLIENT_CTL_ANSWERS_H

#include "proto/buffer.h"
#include "proto/frame.h"
#include "proto/limits.h"

#include <stdint.h>

struct answers {
    struct limits limits; /* those of the daemon */
    uint64_t expected;
    /* private */
    struct frame frame;
    struct buffer begun; /* a message of which more is to come */
};

/* The session has sent a request of the caller's before. The limits are the defaults; the caller sets the daemon's. */
void answers_init(struct answers *ret_answers);
void answers_deinit(struct answers *answers);

/* More bytes are sent. Error: -ENOMEM. */
int answers_feed(struct answers *answers, const char *bytes, size_t length);

/* No more are sent. */
void answers_end(struct answers *answers);

#endif
