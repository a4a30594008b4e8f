/* SPDX-License-Identifier: MIT */
/*
 * A participant: the session of one client, the loop that the session is in, and the calls that it has not answered.
 *
 * Owns the list of its batches and calls. Calls its connection alone; lifecycle.c begins and ends sessions.
 */
#ifndef MINIMIO_DAEMON_SESSIONS_SESSION_H
#define MINIMIO_DAEMON_SESSIONS_SESSION_H

#include "daemon/loops/loop.h"
#include "daemon/loops/pending.h"
#include "daemon/sessions/context.h"
#include "daemon/wire/conn.h"
#include "proto/request.h"

/* A request that is to be answered: who asked, under which id, and where the answer goes. */
struct call {
    struct session *session;
    struct batch *batch; /* NULL: a line of its own */
    uint32_t slot;       /* in the batch */
    bool waits;          /* it outlived its message: its id is a copy */
    struct span id;      /* data NULL: a notification */
    size_t begun_at;     /* private, between call_begin and call_end */
};

/* A batch whose next requests are dispatched in a later turn. */
struct unfinished {
    char *text; /* a copy of the message */
    struct request_reader reader;
    struct batch *batch;
    uint32_t slot; /* of the next request */
};

struct session {
    struct conn conn; /* the first member: the reactor frees the session through it */
    struct context *context;
    LIST_ENTRY(session) entry; /* in context->sessions */
    struct loop *loop;         /* NULL: none, until the next open_loop */
    struct pending *opening;   /* an open_loop under way; NULL: none */
    struct loop *closes;       /* a close_loop under way; NULL: none */
    struct call close_call;    /* is answered when that loop is closed */
    struct loop *leaving;      /* it was put out of this loop, and its calls are being ended; NULL: none */
    struct task leave_task;    /* ends them */
    LIST_HEAD(, batch) batches;
    struct pending_list connects; /* registers by address under way */
    struct pending_list done;     /* those of them whose answers wait until the client reads */
    uint32_t pending_calls;       /* answered later */
    uint32_t held_fds;            /* descriptors that unfinished batches keep */
    size_t batch_bytes;           /* of memory in unfinished batches */
    struct unfinished unfinished; /* the rest of a batch; no text: none */
    bool retired;                 /* it is over, and is taken apart in pieces */
};

/*
 * Whether its client is gone, though the session's turn may not have come yet. If so, the session ends by itself in the
 * turns to come, when all input of the client is dispatched.
 */
bool session_is_ending(struct session *session);

/* A request that was done in pieces is answered: the next ones are dispatched. */
void session_resume_input(struct session *session);

/*
 * Whether the next requests wait: for a request that is done in pieces, or for batches whose answers are, with the
 * output, as much as the client may leave unread.
 */
static inline bool session_is_paused(const struct session *session)
{
    return session->opening || session->closes ||
           (session->batch_bytes && !session->unfinished.text &&
            session->batch_bytes + session->conn.out.length >= session->conn.limits->output_bytes);
}

#endif
