/* SPDX-License-Identifier: MIT */
/*
 * A call that waits for something, as the loop, the stream or the session knows it that the call waits in: all that can
 * be done with it there is to answer it and to give it up. Whoever begins the call embeds this and knows the rest.
 */
#ifndef MINIMIO_DAEMON_LOOPS_PENDING_H
#define MINIMIO_DAEMON_LOOPS_PENDING_H

#include "proto/fault.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>

struct pending {
    TAILQ_ENTRY(pending) link;      /* in session->connects */
    TAILQ_ENTRY(pending) done_link; /* in session->done */

    /* Whether there is an answer by now. NULL: its owner knows. */
    bool (*is_due)(const struct pending *pending);

    /* Answers the call, and frees what waited. */
    void (*answer)(struct pending *pending);

    /* Answers the call with this fault, or not at all (NULL: the session is gone), and frees what waited. */
    void (*cancel)(struct pending *pending, const struct fault *fault);
};

TAILQ_HEAD(pending_list, pending);

#endif
