/* SPDX-License-Identifier: MIT */
/*
 * Writers of results, errors and events: append compact JSON to a buffer, without LF, which the caller appends. A
 * failed allocation is stored in the buffer (buffer_failed).
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

/* `local` and `peer` are numeric addresses with port; NULL: the socket has no address. `existing`: the token was
 * registered before. */
void reply_registered(struct buffer *out, struct span id, uint64_t token, const char *local, const char *peer,
                      bool existing);
void reply_cancelled(struct buffer *out, struct span id, bool cancelled);

/* The caller sends the descriptor with the bytes. */
void reply_taken(struct buffer *out, struct span id, uint64_t token);
void reply_written(struct buffer *out, struct span id, uint64_t bytes);

/*
 * The result of read. With ENCODING_TEXT the bytes are text if the bytes are UTF-8 without NUL and the reply has at
 * most `budget` bytes. In all other cases the bytes are base64.
 */
struct reply_end {
    bool eof;
    int error; /* errno that ended the connection; 0: orderly end */
};
void reply_read(struct buffer *out, struct span id, struct span bytes, enum encoding encoding, struct reply_end end,
                size_t budget);

/* The number of arbitrary bytes that reply_read can report within `budget`. */
size_t reply_read_room(struct span id, size_t budget);

/* The longest phase of a slow turn: gathering events and timers, dispatching requests and closing loops, writing
 * events, sending output. */
enum slow_cause { SLOW_GATHERING, SLOW_DISPATCH, SLOW_DELIVERY, SLOW_SENDING, SLOW_CAUSE_COUNT };

/* Histogram of the duration of turns. Bound i is turn_bounds_us[i]; the last count is for turns above all bounds. */
#define TURN_BOUNDS 6
extern const uint32_t turn_bounds_us[TURN_BOUNDS];

struct reply_turns {
    uint64_t counts[TURN_BOUNDS + 1]; /* each turn counts once, at the lowest bound above the duration */
    uint64_t longest_us, sum_us;
};

struct reply_stats {
    uint64_t uptime_ms;
    uint64_t sessions, loops, registrations; /* now */
    uint64_t leases, waits;                  /* now: leased tokens, calls of open_loop that wait */
    uint64_t requests, replies, events;      /* since the start */
    uint64_t redeliveries;                   /* likewise */
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
    bool leased;
    struct span address;
    const char *local, *peer; /* NULL: no address */
};

/*
 * The reply to list: begin, add registrations, end. reply_list_add returns false, and appends nothing, if the entry
 * does not fit or the buffer has failed. `begun_at` is the length of the buffer before reply_list_begin; `budget` is
 * the maximum length of the reply. `loop` NULL: the anonymous loop. `next` NULL: the list is complete.
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
    bool owner;
    uint32_t workers, guests; /* without workers and guests, the reply has no counts of members */
};

/* The reply to loops, with the same contract; `next` is a name. */
void reply_loops_begin(struct buffer *out, struct span id);
bool reply_loops_add(struct buffer *out, const struct reply_loop *loop, size_t begun_at, size_t budget);
void reply_loops_end(struct buffer *out, const char *next);

/* Events, with the same contract: the `ready` notification, or the result of `poll`. */
void reply_ready_begin(struct buffer *out);
void reply_events_begin(struct buffer *out, struct span id);
bool reply_events_add(struct buffer *out, uint64_t token, uint8_t readiness, size_t begun_at, size_t budget);
void reply_events_end(struct buffer *out);

/* The notifications `loop_detached` (named loops) and `loop_closed`. `loop` NULL: the anonymous loop. */
void notify_loop_detached(struct buffer *out, const char *loop, const char *reason);
void notify_loop_closed(struct buffer *out, const char *loop, const char *reason);

#endif
