/* SPDX-License-Identifier: MIT */
/*
 * The session of a client as a participant: its membership in a loop, and the pending calls. conn.h is the transport.
 *
 * Owns the lists of batches and pending calls. Calls only the connection; lifecycle.c begins and ends sessions.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_SESSION_H
#define MINIMIO_DAEMON_SESSIONS_SESSION_H

#include "daemon/loops/loop.h"
#include "daemon/loops/member.h"
#include "daemon/loops/pending.h"
#include "daemon/sessions/context.h"
#include "daemon/wire/conn.h"
#include "proto/request.h"

/* A request to be answered: the session, the id, and the place of the answer. */
struct call {
    struct session *session;
    struct batch *batch; /* NULL: the answer is a separate line */
    uint32_t slot;       /* in the batch */
    bool pending;        /* the call outlives its message: the id is a copy */
    uint64_t number;     /* of a pending call: in the order of asking */
    struct span id;      /* data NULL: a notification */
    size_t begun_at;     /* private, between call_begin and call_end */
};

/* A batch with requests to be dispatched in a later turn. */
struct unfinished {
    char *text; /* a copy of the message */
    struct request_reader reader;
    struct batch *batch;
    uint32_t slot; /* of the next request */
};

struct session {
    struct conn conn; /* the first member: the reactor frees the session through it */
    struct context *context;
    uint64_t number;              /* in the debug log; unique among the sessions of this daemon */
    LIST_ENTRY(session) entry;    /* in context->sessions */
    struct member member;         /* member.loop NULL: no loop, until the next open_loop */
    struct pending *pending_open; /* the open_loop in progress; NULL: none */
    struct pending *waiting_open; /* the open_loop that waits until the loop is free; NULL: none */
    struct loop *closes;          /* the loop of a pending close_loop; NULL: none */
    struct call close_call;       /* answered when `closes` is closed */
    struct loop *leaving;         /* evicted from this loop, while pending calls are ended; NULL: none */
    struct task leave_task;       /* ends the pending calls of an evicted session */
    LIST_HEAD(, batch) batches;
    struct pending_list connects; /* pending registers by address */
    struct pending_list done;     /* pending registers with an outcome, answered once the client reads */
    uint64_t call_number;         /* number of the last pending call */
    uint32_t pending_calls;       /* calls with `pending` */
    uint32_t held_fds;            /* descriptors in the answers of unfinished batches */
    size_t batch_bytes;           /* bytes of answers in unfinished batches */
    struct unfinished unfinished; /* the rest of a batch; text NULL: none */
    bool retired;                 /* the session is done, and ends in pieces */
};

/*
 * Whether the client hung up, even if the session did not run since. If true, the session ends in a later turn, after
 * all input of the client is dispatched.
 */
bool session_is_ending(struct session *session);

/* The loop of the session; NULL: none. */
static inline struct loop *session_loop(const struct session *session)
{
    return session->member.loop;
}

static inline struct session *session_of_member(struct member *member)
{
    return container_of(member, struct session, member);
}

/* Notes whether a worker can get events: the client reads, and can still send requests. */
void session_update_worker(struct session *session);

/* The client may read again: delivers the events that wait. Inline, because each flush calls it. */
static inline void session_resume_events(struct session *session)
{
    if (session->member.role == ROLE_WORKER)
        session_update_worker(session);
    else if (session->member.role == ROLE_OWNER && session->member.loop)
        loop_enqueue_if_ready(session->member.loop);
}

/* Dispatches the next requests: a request done in pieces is answered. */
void session_resume_input(struct session *session);

/*
 * Whether dispatch is paused: by a request done in pieces, or by answers of unfinished batches, which with the output
 * reach the high-water mark. A client that is gone reads no answers, so these do not pause its dispatch.
 */
static inline bool session_is_paused(const struct session *session)
{
    return session->pending_open || session->closes ||
           (session->batch_bytes && !session->unfinished.text && !session->conn.output_dead &&
            session->batch_bytes + session->conn.out.length >= session->conn.limits->output_bytes);
}

#endif
