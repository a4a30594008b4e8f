/* SPDX-License-Identifier: MIT */
/*
 * A pending call, as seen by the loop, the stream or the session that the call waits in: answer the call, or cancel.
 * The module that begins the call embeds the struct.
 *
 * Owns no state. Calls the functions of the embedding module.
 */
#ifndef MINIMIO_DAEMON_LOOPS_PENDING_H
#define MINIMIO_DAEMON_LOOPS_PENDING_H

#include "proto/fault.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>

struct call;

struct pending {
    TAILQ_ENTRY(pending) link;      /* in session->connects */
    TAILQ_ENTRY(pending) done_link; /* in session->done */
    struct call *call;              /* of the embedding struct */

    /* A poll: whether the answer may have events now; whether the call is to be answered even without events. */
    bool (*may_deliver)(const struct pending *pending);
    bool (*is_expired)(const struct pending *pending);

    /* Answers the call, and frees the struct that embeds `pending`. */
    void (*answer)(struct pending *pending);

    /* Answers the call with the fault, or drops the call (NULL: the session is closed), and frees the embedding struct.
     */
    void (*cancel)(struct pending *pending, const struct fault *fault);
};

TAILQ_HEAD(pending_list, pending);

#endif
