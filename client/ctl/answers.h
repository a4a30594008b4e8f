/* SPDX-License-Identifier: MIT */
/*
 * Counts the replies that the daemon will send to a stream of bytes, with the daemon's own framing and decoding. A
 * request with an id has a reply, a batch has a reply unless it contains only notifications, and a fault has a reply.
 */
#ifndef MINIMIO_CLIENT_CTL_ANSWERS_H
#define MINIMIO_CLIENT_CTL_ANSWERS_H

#include "proto/buffer.h"
#include "proto/frame.h"
#include "proto/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answers {
    struct limits limits; /* of the daemon */
    uint64_t expected;
    bool polls; /* a request so far was a poll */
    /* private */
    struct frame frame;
    struct buffer begun; /* an incomplete message */
};

/* Requires a session that has sent a request already. Sets the default limits; the caller sets the daemon's limits. */
void answers_init(struct answers *ret_answers);
void answers_deinit(struct answers *answers);

/* Counts further sent bytes. Error: -ENOMEM. */
int answers_feed(struct answers *answers, const char *bytes, size_t length);

/* The number of bytes at the end that belong to an incomplete message. */
static inline size_t answers_incomplete(const struct answers *answers)
{
    return answers->begun.length;
}

/* End of the stream. */
void answers_end(struct answers *answers);

#endif
