/* SPDX-License-Identifier: MIT */
/*
 * A `register` by address under way: the call that waits for its answer, the stream that has taken the token, and the
 * connector that works for both. When the connector is done and the session's output is full, the answer waits until
 * the client has read: until then the stream is connecting, and not watched.
 */
#ifndef MINIMIO_DAEMON_REGISTERING_H
#define MINIMIO_DAEMON_REGISTERING_H

#include "daemon/address.h"
#include "daemon/call.h"
#include "daemon/connector.h"
#include "daemon/stream.h"

struct context;

struct registering {
    struct call call;
    struct context *context;
    struct stream *stream;
    struct connector *connector;        /* NULL: done, its result is below */
    struct connector_result *result;    /* while the answer waits for the client to read */
    TAILQ_ENTRY(registering) done_link; /* in session->done, then */
    TAILQ_ENTRY(registering) link;      /* in session->connects */
    uint64_t timeout_ms;
    bool nodelay, keepalive;
};

TAILQ_HEAD(registering_list, registering);

/*
 * Begins to connect `stream`, which is new. Takes the call (`call` itself is copied) in both cases. Error: -ENOMEM;
 * nothing is answered yet, and the stream is the caller's to free.
 */
int registering_begin(struct context *context, const struct call *call, struct stream *stream,
                      const struct target *target, uint64_t timeout_ms, bool nodelay, bool keepalive);

/* Answers what is done, once the client has read. */
void registering_answer(struct registering *registering);

/* Gives it up with this fault for an answer, or with none (NULL: the session is gone). Frees the stream too. */
void registering_cancel(struct registering *registering, const struct fault *fault);

#endif
