/* SPDX-License-Identifier: MIT */
/*
 * Results, errors and events to bytes: compact JSON, written straight into a buffer. No LF: whoever makes a line of it
 * adds that. Memory failures are the buffer's to remember.
 */
#ifndef MINIMIO_PROTO_REPLY_H
#define MINIMIO_PROTO_REPLY_H

#include "proto/buffer.h"
#include "proto/fault.h"
#include "proto/limits.h"
#include "proto/methods.h"

#include <stdbool.h>
#include <stdint.h>

/* `{}` */
void reply_empty(struct buffer *out, struct span id);
void reply_error(struct buffer *out, struct span id, const struct fault *fault);
void reply_hello(struct buffer *out, struct span id, const struct limits *limits);

/* `local` and `peer` are numeric addresses with port, NULL where the socket has none. */
void reply_registered(struct buffer *out, struct span id, uint64_t token, const char *local, const char *peer);

struct reply_stats {
    uint64_t uptime_ms;
    uint64_t sessions, loops, registrations; /* now */
    uint64_t requests, replies, events;      /* since the start */
    uint64_t bytes_in, bytes_out;
    uint64_t errors[FAULT_NAMES];
};
void reply_stats(struct buffer *out, struct span id, const struct reply_stats *stats, const struct limits *limits);

struct reply_registration {
    uint64_t token;
    const char *state; /* "connecting", "armed", "disarmed" */
    uint8_t interests; /* READY_ bits */
    uint8_t mode;      /* enum mode */
    uint8_t pending;   /* READY_ bits */
    struct span address;
    const char *local, *peer; /* NULL where there is none */
};

/*
 * A list is begun, filled until it has all or reply_list_add says that no more fits, and ended. `loop` NULL: the
 * anonymous one. `begun_at` is the buffer's length before reply_list_begin, `budget` how many bytes the whole reply may
 * have. What did not fit, or met a failed buffer, is not in it. `next` NULL: there are no more.
 */
void reply_list_begin(struct buffer *out, struct span id, const char *loop);
bool reply_list_add(struct buffer *out, const struct reply_registration *registration, size_t begun_at, size_t budget);
void reply_list_end(struct buffer *out, const uint64_t *next);

/* The `ready` notification, likewise: begun, filled while it fits into `budget` bytes, ended. */
void ready_begin(struct buffer *out);
bool ready_add(struct buffer *out, uint64_t token, uint8_t readiness, size_t begun_at, size_t budget);
void ready_end(struct buffer *out);

/* The `loop_closed` notification; `loop` NULL: the anonymous one. */
void notify_loop_closed(struct buffer *out, const char *loop, const char *reason);

#endif
