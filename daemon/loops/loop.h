/* SPDX-License-Identifier: MIT */
/*
 * A client's event queue: streams by token, and the list of ready streams, in the order of becoming ready. An anonymous
 * loop belongs to a session. A named loop belongs to a user and is found by name.
 *
 * Owns the loops and the lists of streams. Calls the accounts, the recorder, and the schedule.
 */
#ifndef MINIMIO_DAEMON_LOOPS_LOOP_H
#define MINIMIO_DAEMON_LOOPS_LOOP_H

#include "daemon/accounts/accounts.h"
#include "daemon/base/reactor.h"
#include "daemon/base/schedule.h"
#include "daemon/base/timer.h"
#include "daemon/base/tree.h"
#include "daemon/keep/recorder.h"
#include "daemon/loops/pending.h"
#include "daemon/loops/rearm.h"
#include "proto/methods.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

RB_HEAD(stream_tree, stream);
RB_HEAD(loop_tree, loop);
TAILQ_HEAD(stream_list, stream);

/* All loops of the daemon. */
struct loops {
    void (*deliver)(struct task *task); /* delivers events of a loop with a consumer */
    struct rearm_batch rearm;           /* streams rearmed in this slice */
    struct loop_tree named;             /* by name, then uid */
    LIST_HEAD(, loop) closing;          /* being closed, in pieces */
    size_t count;                       /* of loops, named and anonymous */
    struct reactor *reactor;            /* watches the streams */
    struct recorder recorder;           /* records the named loops for the next daemon */
};

struct loop {
    struct loops *loops;
    struct account *account; /* the owner, charged for the streams */
    struct session *session; /* the attached session; NULL: none */
    struct session *leaver;  /* an evicted session, while its calls are ended; NULL: none */
    struct pending *poll;    /* the pending `poll`; NULL: none */
    struct stream_tree streams;
    size_t count;             /* of streams */
    struct stream_list ready; /* streams with undelivered events */
    size_t ready_count;
    struct stream_list delivered; /* level streams with delivered events; the next poll asks the kernel again */
    struct task deliver_task;
    struct task close_task; /* this member and the next two: while closing */
    LIST_ENTRY(loop) closing_link;
    struct session *closed_by; /* the session to answer when the loop is closed; NULL: none */
    RB_ENTRY(loop) by_name;
    struct timer linger; /* while no session is attached */
    uint64_t linger_ms;
    uint64_t min_live_token;   /* streams with smaller tokens produce no more events: see loop_can_produce_events */
    uint32_t blocked_by_batch; /* serial of the batch whose replies precede the events; 0: none */
    uint32_t entry;            /* in the ledger */
    uint16_t epoch;            /* number of detached sessions, modulo 65536 */
    uint8_t delivery;          /* enum delivery */
    bool reserved;             /* a session is about to attach */
    bool closing;              /* no session can attach any more */
    bool not_durable;          /* recording for the next daemon failed in part */
    char name[];               /* "": anonymous */
};

/* A daemon may hold very many streams, most of them idle: members for connecting are in the pending call. */
struct stream {
    struct source source;
    struct loop *loop;
    uint64_t token;
    RB_ENTRY(stream) by_token;
    TAILQ_ENTRY(stream) list_link; /* in the list that `list` names */
    union {
        struct pending *connect; /* while connecting */
        minimio_fd fd;           /* once open */
    };
    uint32_t entry;            /* in the ledger of the loop */
    uint32_t blocked_by_batch; /* serial of the batch whose replies precede the events; 0: none */
    uint8_t interests;         /* READY_ bits; 0: the closed flags and `error` alone, each once */
    uint8_t mode;              /* enum mode */
    uint8_t pending;           /* undelivered READY_ bits */
    uint8_t list;              /* enum stream_list_id */
    uint8_t kind;              /* enum fd_kind */
    bool connecting;           /* the union holds `connect`, not `fd` */
    bool adopted;              /* a client holds or held the descriptor, and may have changed any option */
    bool credentials;          /* the peer sees the credentials of each writer */
    bool disarmed;             /* produces no events until rearmed */
    struct rearm rearm;        /* in loops->rearm */
    uint8_t closed_seen;       /* without interests: READY_ bits that became pending since the last rearm */
    bool ended;                /* both closed flags were delivered: no further events */
    uint8_t noisy_rearms;      /* rearms left as EPOLLONESHOT, because the stream woke us while disarmed */
    uint16_t error;            /* errno of the connection's end, consumed from the kernel by a call; 0: none */
    uint16_t pending_epoch;    /* loop->epoch when `pending` was set */
    uint16_t target_length;    /* of `target`: the address as the client wrote it */
    char target[];
};

/* `closer`: for descriptors without a user. `deliver` runs when a loop has events and a client that reads. */
void loops_init(struct loops *loops, struct reactor *reactor, struct async_closer *closer,
                void (*deliver)(struct task *task));

/* The loop of this user with this name, or NULL. */
struct loop *loops_find(struct loops *loops, const char *name, uid_t uid);

/* The first loop with a name greater than `after`, or the first named loop with NULL. NULL: none. */
struct loop *loops_after(struct loops *loops, const char *after);

/* The next loop in the order of name and uid. NULL: none. */
struct loop *loops_next(struct loop *loop);

/* Makes a loop without a session. `name` NULL: anonymous. The user must have no loop with this name. NULL: out of
 * memory. */
struct loop *loop_new(struct loops *loops, struct account *account, const char *name);

/* Frees a loop without streams and without a session. Returns NULL. */
struct loop *loop_free(struct loop *loop);

bool loop_is_named(const struct loop *loop);

/* The name as in replies: NULL for an anonymous loop. */
const char *loop_name(const struct loop *loop);

/* The stream with this token, or NULL. */
struct stream *loop_find(struct loop *loop, uint64_t token);

/* The stream with the smallest token above `*after`, or with the smallest token of all with NULL. NULL: none. */
struct stream *loop_next(struct loop *loop, const uint64_t *after);

/* The next stream of the loop in the order of token. NULL: none. */
struct stream *loop_next_stream(struct stream *stream);

/* Adds a stream, whose token must not be in use; removes a stream. */
void loop_add(struct loop *loop, struct stream *stream);
void loop_remove(struct loop *loop, struct stream *stream);

/* The list of the loop that a stream is in. */
enum stream_list_id { LIST_NONE, LIST_READY, LIST_DELIVERED };

/* Moves the stream to a list: undelivered events; delivered, to be asked about again by the next poll; no list. */
void loop_set_list(struct loop *loop, struct stream *stream, enum stream_list_id list);

/* Cancels the delivery task; queues the task if the loop has events and a consumer. */
void loop_dequeue(struct loop *loop);
void loop_enqueue_if_ready(struct loop *loop);

#endif
