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

/* `name` NULL: the anonymous loop. */
void reply_opened(struct buffer *out, struct span id, const char *name, bool created, enum delivery delivery,
                  uint64_t registrations);

/* `local` and `peer` are numeric addresses with port, NULL where the socket has none. */
void reply_registered(struct buffer *out, struct span id, uint64_t token, const char *local, const char *peer);

/* The descriptor itself goes beside the bytes. */
void reply_taken(struct buffer *out, struct span id, uint64_t token);
void reply_written(struct buffer *out, struct span id, uint64_t bytes);

/*
 * What was read: as text where it is UTF-8 without NUL and the reply then has at most `budget` bytes, else, and always
 * with ENCODING_BASE64, in base64.
 */
struct reply_end {
    bool eof;
    int error; /* errno that ended the connection; 0: none */
};
void reply_read(struct buffer *out, struct span id, struct span bytes, enum encoding encoding, struct reply_end end,
                size_t budget);

/* How many bytes reply_read can give within `budget`, whatever they are; 0: not even one. */
size_t reply_read_room(struct span id, size_t budget);

/* What took the most time of a turn that took too long: events and timers that were gathered, requests and the closing
 * of loops, events that were written, output that was sent. */
enum slow_cause { SLOW_GATHERING, SLOW_DISPATCH, SLOW_DELIVERY, SLOW_SENDING, SLOW_CAUSE_COUNT };

/* How long turns took. Bound i is turn_bounds_us[i]; the last count is of turns that reached the last bound. */
#define TURN_BOUNDS 6
extern const uint32_t turn_bounds_us[TURN_BOUNDS];

struct reply_turns {
    uint64_t counts[TURN_BOUNDS + 1]; /* each turn once: at the first bound that the turn stayed below */
    uint64_t longest_us, sum_us;
};

struct reply_stats {
    uint64_t uptime_ms;
    uint64_t sessions, loops, registrations; /* now */
    uint64_t requests, replies, events;      /* since the start */
    uint64_t bytes_in, bytes_out;
    uint64_t errors[FAULT_COUNT];
    uint64_t slow_turns[SLOW_CAUSE_COUNT]; /* longer than 2 ms */
    struct reply_turns turns;
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

struct reply_loop {
    const char *name;
    uint32_t uid;
    uint64_t registrations, pending;
    uint64_t linger_ms;
    bool attached;
    bool durable;
};

/* Likewise. What reply_loops_add says of an entry that did not fit holds here too; `next` is a name. */
void reply_loops_begin(struct buffer *out, struct span id);
bool reply_loops_add(struct buffer *out, const struct reply_loop *loop, size_t begun_at, size_t budget);
void reply_loops_end(struct buffer *out, const char *next);

/* Events, likewise: as the `ready` notification, or as what `poll` has for a result. */
void ready_begin(struct buffer *out);
void reply_events_begin(struct buffer *out, struct span id);
bool events_add(struct buffer *out, uint64_t token, uint8_t readiness, size_t begun_at, size_t budget);
void events_end(struct buffer *out);

/* The `loop_detached` notification, of a named loop, and `loop_closed`; `loop` NULL: the anonymous one. */
void notify_loop_detached(struct buffer *out, const char *loop, const char *reason);
void notify_loop_closed(struct buffer *out, const char *loop, const char *reason);

#endif
