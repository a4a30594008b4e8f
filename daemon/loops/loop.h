/* SPDX-License-Identifier: MIT */
/*
 * A client's event queue: streams by token, and the list of ready streams, in the order of becoming ready. An anonymous
 * loop belongs to a session. A named loop belongs to a user, is found by name, and has any number of members
 * (member.h).
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
#include "daemon/loops/expired.h"
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
TAILQ_HEAD(member_list, member);
TAILQ_HEAD(loop_waiter_list, loop_waiter);

/* A call that waits until it may enter a loop, in the order of asking. The module that begins the call embeds it. */
struct loop_waiter {
    TAILQ_ENTRY(loop_waiter) link;
    struct loop *loop;                        /* whose waiters it is among; NULL: none */
    const struct member *member;              /* of the session that calls, in whatever loop */
    void (*wake)(struct loop_waiter *waiter); /* tries again, later in this turn or in the next */
};

/* All loops of the daemon. */
struct loops {
    void (*deliver)(struct task *task); /* delivers events of a loop with a consumer */
    struct rearm_batch rearm;           /* streams rearmed in this slice */
    struct loop_tree named;             /* by name, then uid */
    LIST_HEAD(, loop) closing;          /* being closed, in pieces */
    size_t count;                       /* of loops, named and anonymous */
    size_t lease_count;                 /* of leased streams */
    size_t waiter_count;                /* of calls that wait for a loop */
    struct expired_names expired;       /* of loops that have ended by their linger time */
    struct reactor *reactor;            /* watches the streams */
    struct recorder recorder;           /* records the named loops for the next daemon */
};

struct loop {
    struct loops *loops;
    struct account *account;    /* the owner, charged for the streams */
    struct member_list members; /* owner or workers, then guests */
    struct member *owner;       /* NULL: none */
    uint32_t worker_count, guest_count;
    struct member_list idle; /* workers that can get an event, longest waiting first */
    uint32_t idle_count;
    uint32_t round_left, round_share; /* idle workers still to be served in this round, and the events of each */
    struct member_list expired;       /* workers whose poll is to be answered even without events */
    struct loop_waiter_list waiters;  /* calls that wait to enter */
    uint32_t entrant_count;           /* sessions about to enter */
    uint32_t leaver_count;            /* evicted sessions whose calls are being ended */
    struct stream_tree streams;
    size_t count;             /* of streams */
    size_t lasting_count;     /* of streams with a mode other than oneshot */
    struct stream_list ready; /* streams with undelivered events */
    size_t ready_count;
    struct stream_list delivered; /* level streams with delivered events; the next poll asks the kernel again */
    struct task deliver_task;
    struct task close_task; /* this member and the next two: while closing */
    LIST_ENTRY(loop) closing_link;
    struct session *closed_by; /* the session to answer when the loop is closed; NULL: none */
    RB_ENTRY(loop) by_name;
    struct timer linger; /* while the loop has no members */
    uint64_t linger_ms;
    uint64_t min_live_token; /* streams with smaller tokens produce no more events: see loop_can_produce_events */
    uint32_t entry;          /* in the ledger */
    uint16_t epoch;          /* how often the last owner or worker has left, modulo 65536 */
    uint8_t delivery;        /* enum delivery */
    bool reserved;           /* an owner or worker is about to enter */
    bool worker_enters;      /* the loop is reserved for a worker */
    bool closing;            /* no session can enter any more */
    bool not_durable;        /* recording for the next daemon failed in part */
    char name[];             /* "": anonymous */
};

/* The list of the loop that a worker is in. */
enum member_list_id {
    MEMBERS_NONE,
    MEMBERS_IDLE,    /* the worker can get an event */
    MEMBERS_EXPIRED, /* the worker's poll is to be answered even without events */
};

/* A session's membership in a loop: member.h. The session embeds the struct, zeroed before the first use. */
struct member {
    struct loop *loop;             /* NULL: none */
    TAILQ_ENTRY(member) link;      /* in loop->members */
    TAILQ_ENTRY(member) list_link; /* in the list that `list` names */
    struct stream_list leases;     /* streams leased to the worker */
    struct pending *poll;          /* the pending `poll`; NULL: none */
    uint32_t blocked_by_batch;     /* serial of the batch whose replies precede the events; 0: none */
    uint16_t prefetch;             /* a worker with so many leases gets no event */
    uint16_t lease_count;
    uint8_t role;      /* enum role */
    uint8_t list;      /* enum member_list_id */
    bool is_receptive; /* worker: the client reads, and can still send requests */
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
    struct member *holder;          /* the worker that the stream is leased to; NULL: none */
    TAILQ_ENTRY(stream) lease_link; /* in holder->leases */
    uint32_t entry;                 /* in the ledger of the loop */
    uint32_t blocked_by_batch;      /* serial of the batch whose replies precede the events; 0: none */
    uint8_t interests;              /* READY_ bits; 0: the closed flags and `error` alone, each once */
    uint8_t mode;                   /* enum mode */
    uint8_t pending;                /* undelivered READY_ bits */
    uint8_t list;                   /* enum stream_list_id */
    uint8_t kind;                   /* enum fd_kind */
    bool connecting;                /* the union holds `connect`, not `fd` */
    bool adopted;                   /* a client holds or held the descriptor, and may have changed any option */
    bool credentials;               /* the peer sees the credentials of each writer */
    bool disarmed;                  /* produces no events until rearmed */
    struct rearm rearm;             /* in loops->rearm */
    uint8_t closed_seen;            /* without interests: READY_ bits that became pending since the last rearm */
    bool ended;                     /* both closed flags were delivered: no further events */
    uint8_t leased_interests;       /* cleared by a take of the holder that keeps the token; 0: none cleared */
    uint8_t redelivered;            /* READY_REDELIVERED: the last holder did not end the lease; or 0 */
    uint8_t noisy_rearms;           /* rearms left as EPOLLONESHOT, because the stream woke us while disarmed */
    uint16_t error;                 /* errno of the connection's end, consumed from the kernel by a call; 0: none */
    uint16_t pending_epoch;         /* loop->epoch when `pending` was set */
    uint16_t target_length;         /* of `target`: the address as the client wrote it */
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

/* Makes a loop without members. `name` NULL: anonymous. The user must have no loop with this name. NULL: out of
 * memory. */
struct loop *loop_new(struct loops *loops, struct account *account, const char *name);

/* Frees a loop without streams, members and waiters. Returns NULL. */
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

/* Whether a session is in the loop, or about to enter. */
bool loop_is_used(const struct loop *loop);

/* Adds a call behind the waiting calls; removes a call, which need not wait. */
void loop_add_waiter(struct loop *loop, struct loop_waiter *waiter);
void loop_remove_waiter(struct loop_waiter *waiter);

/* Wakes the first waiting call, if any, and the call of an only worker, which nobody inside keeps out. At the end of a
 * loop: wakes and removes all, which look the name up again. */
void loop_wake_waiter(struct loop *loop);
void loop_dismiss_waiters(struct loop *loop);

/* Whether the owner of a loop that has one can get events now, or an answer to a poll whose time is over. */
bool loop_owner_is_due(const struct loop *loop);

/* Cancels the delivery task; queues the task if the loop has events and a consumer. */
void loop_dequeue(struct loop *loop);
void loop_enqueue_if_ready(struct loop *loop);

#endif
