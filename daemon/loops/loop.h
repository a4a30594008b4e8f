/* SPDX-License-Identifier: MIT */
/*
 * A client's event queue: its streams by token, and those of them that have readiness to tell, in the order in which
 * they became ready. An anonymous loop is its session's; a named one is its user's, and found by its name.
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
    void (*deliver)(struct task *task); /* of a loop that has events and a client that takes them */
    struct rearm_batch rearm;           /* streams that were armed again in this slice */
    struct loop_tree named;             /* by name, then uid */
    LIST_HEAD(, loop) closing;          /* being closed, in pieces */
    size_t count;                       /* named or not */
    struct reactor *reactor;            /* watches their streams */
    struct recorder recorder;           /* records the named ones for the next daemon */
};

struct loop {
    struct loops *loops;
    struct account *account; /* whose registrations it holds */
    struct session *session; /* who is in it; NULL: nobody, for a while */
    struct session *leaver;  /* who was put out, and whose calls are being ended; NULL: nobody */
    struct pending *poll;    /* the `poll` that waits; NULL: none */
    struct stream_tree streams;
    size_t count;             /* of its streams */
    struct stream_list ready; /* streams with readiness to tell */
    size_t ready_count;
    struct stream_list told; /* level streams that were told, and are to be asked again by the next poll */
    struct task deliver_task;
    struct task close_task; /* while closing; so are the next two */
    LIST_ENTRY(loop) closing_link;
    struct session *closed_by; /* is answered when the loop is closed; NULL: nobody */
    RB_ENTRY(loop) by_name;
    struct timer linger; /* while nobody is in it */
    uint64_t linger_ms;
    uint64_t speaker; /* no stream with a smaller token can still bring an event: see loop_can_produce_events */
    uint32_t blocked_by_batch; /* the batch after whose replies its events come; 0: none */
    uint32_t entry;            /* in the ledger */
    uint16_t epoch;            /* counts the sessions that have left */
    uint8_t delivery;          /* enum delivery */
    bool reserved;             /* a session is about to enter */
    bool closing;              /* nobody enters any more */
    bool lossy;                /* not all of it could be kept for the next daemon */
    char name[];               /* "": anonymous */
};

/* There may be very many, most of them idle: what only a connecting stream needs is in its pending call. */
struct stream {
    struct source source;
    struct loop *loop;
    uint64_t token;
    RB_ENTRY(stream) by_token;
    TAILQ_ENTRY(stream) place_link;
    union {
        struct pending *connect; /* while connecting */
        minimio_fd fd;           /* once open */
    };
    uint32_t entry;            /* in the ledger of its loop */
    uint32_t blocked_by_batch; /* the batch after whose replies its events come; 0: none */
    uint8_t interests;         /* READY_ bits; 0: the closed flags and `error` alone, each once */
    uint8_t mode;              /* enum mode */
    uint8_t pending;           /* READY_ bits that are not told yet */
    uint8_t place;             /* enum stream_list_id */
    uint8_t kind;              /* enum fd_kind */
    bool connecting;           /* which of the union it is */
    bool adopted;              /* a client has or had it, and may have set it up in any way */
    bool credentials;          /* its peer sees the credentials of whoever writes to it */
    bool disarmed;             /* silent until it is armed again */
    struct rearm rearm;        /* its place in the batch */
    uint8_t closed_seen;       /* without interests: READY_ bits that became pending since it was armed */
    bool over;                 /* both directions have ended, and the client was told: no further event can come */
    uint8_t noisy_rearms;      /* for so many armings a oneshot in the reactor: it has spoken unasked */
    uint16_t error;            /* errno that ended the connection and that a call has consumed; 0: none */
    uint16_t pending_epoch;    /* the loop's, when it became pending */
    uint16_t target_length;    /* of the address as the client wrote it */
    char target[];
};

/* `closer`: for descriptors that nobody owns. `deliver` runs when a loop has events and a client that reads. */
void loops_init(struct loops *loops, struct reactor *reactor, struct async_closer *closer,
                void (*deliver)(struct task *task));

/* The named loop of this user; NULL: there is none. */
struct loop *loops_find(struct loops *loops, const char *name, uid_t uid);

/* The first named loop whose name is greater than `after`, or the first of all with NULL; NULL: there is none. */
struct loop *loops_after(struct loops *loops, const char *after);

/* The named loop behind this one; NULL: it was the last. */
struct loop *loops_next(struct loop *loop);

/* A loop that nobody is in yet. `name` NULL: anonymous. A name must not be in use by this user. NULL: out of memory. */
struct loop *loop_new(struct loops *loops, struct account *account, const char *name);

/* The loop must have no streams any more, and nobody in it. */
struct loop *loop_free(struct loop *loop);

bool loop_is_named(const struct loop *loop);

/* Its name as replies have it: NULL for an anonymous one. */
const char *loop_name(const struct loop *loop);

struct stream *loop_find(struct loop *loop, uint64_t token);

/* The stream with the smallest token above `*after`, or of all with NULL; NULL: there is none. */
struct stream *loop_next(struct loop *loop, const uint64_t *after);

/* The stream behind this one in its loop; NULL: it is the last. */
struct stream *loop_next_stream(struct stream *stream);

/* The token must not be in use. */
void loop_add(struct loop *loop, struct stream *stream);
void loop_remove(struct loop *loop, struct stream *stream);

/* Where a stream stands in its loop's lists. */
enum stream_list_id { LIST_NONE, LIST_READY, LIST_DELIVERED };

/* The stream has readiness to tell; or it has told and waits to be asked again; or neither. */
void loop_set_list(struct loop *loop, struct stream *stream, enum stream_list_id place);

/* Sets the loop aside while nobody takes what it has, and puts it back if there is something, and somebody. */
void loop_dequeue(struct loop *loop);
void loop_enqueue_if_ready(struct loop *loop);

#endif
