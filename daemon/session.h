/* SPDX-License-Identifier: MIT */
/*
 * One client: its socket, the bytes in and out, and its loop. The only file that reads or writes client sockets,
 * but for what is left unread at the end (closer).
 *
 * A session takes part in a turn in up to three steps: it reads and dispatches requests (input_task), its loop's events
 * are written into its output (session_deliver), and the output goes out in one send (output_task). A session whose
 * client does not read is left alone until the client reads: no request is read, no event written.
 */
#ifndef MINIMIO_DAEMON_SESSION_H
#define MINIMIO_DAEMON_SESSION_H

#include "daemon/call.h"
#include "daemon/descriptors.h"
#include "daemon/loop.h"
#include "daemon/parcels.h"
#include "daemon/policy.h"
#include "daemon/reactor.h"
#include "daemon/registering.h"
#include "daemon/unread.h"
#include "proto/buffer.h"
#include "proto/frame.h"
#include "proto/limits.h"
#include "proto/request.h"

struct context;

/* A batch whose next requests are dispatched in a later turn. */
struct unfinished {
    char *text; /* a copy of the message */
    struct request_reader reader;
    struct batch *batch;
    uint32_t slot; /* of the next request */
};

struct session {
    struct source source;
    struct context *context;
    const struct limits *limits; /* the turn's */
    LIST_ENTRY(session) entry;   /* in context->sessions */
    struct task input_task;      /* has something to read or to dispatch */
    struct task output_task;     /* has something to send, or may be at its end */
    struct account *account;
    struct loop *loop;       /* NULL: none, until the next open_loop */
    struct opening *opening; /* an open_loop under way; NULL: none */
    struct loop *closes;     /* a close_loop under way; NULL: none */
    struct loop *leaving;    /* it was put out of this loop, and its calls are being ended; NULL: none */
    struct task leave_task;  /* ends them */
    LIST_HEAD(, batch) batches;
    struct registering_list connects; /* under way */
    struct registering_list done;     /* those of them whose answers wait until the client reads */
    uint32_t waiting;                 /* calls that are answered later */
    int fd;
    struct frame frame;
    struct buffer in;             /* a begun message, and what was read but not taken yet */
    struct buffer out;            /* whole lines, but for the front */
    struct parcels parcels;       /* descriptors that go with it */
    struct unread unread;         /* those of them that the client has not read */
    uint32_t unclaimed_counted;   /* how many of `unclaimed` its account has been told of */
    uint32_t held_fds;            /* that batches without all their answers keep */
    size_t batch_bytes;           /* of memory in them */
    struct unfinished unfinished; /* the rest of a batch; no text: none */
    struct descriptors unclaimed; /* received, for the registers to come */
    uint32_t unclaimed_max;       /* the limit of them when the last ones came: a lower one is for those to come */
    bool may_hand_over;           /* descriptors */
    bool cut;                     /* of the descriptors that came last some were lost */
    bool crowded;                 /* its user has too many descriptors for them */
    bool readable;                /* the kernel may have more to read */
    bool backlog;    /* `in` may hold messages that were not taken: the client does not read, or has had its share */
    bool ending;     /* the client writes no more: what it wrote is to be read to its end */
    bool ended;      /* and was read to its end */
    bool input_done; /* and all that it wrote was taken */
    bool gone;       /* the client reads no more: what is said goes nowhere */
    bool blocked;    /* the kernel takes no more for now */
    bool closing;    /* to be closed when what was said is out; nothing more is read */
    bool broken;     /* to be closed at once */
    bool retired;    /* it is over; what is left of it is ended in pieces */
};

/* Takes the socket, which is the caller's until then, into a new session with an open loop. Errors: -ENOMEM, and those
 * of the registrator; the socket is then the caller's still. */
int session_new(struct context *context, int fd, struct account *account);

/* Asks the rules anew whether the session may hand over descriptors. */
void session_apply_access(struct session *session);

/* Tells a client that there is no session for it, and closes its socket; with `may_linger` a moment later, if that has
 * to be, so that the client gets to read what it was told (lingering.h). `account`: of policy_begin_refusal, which is
 * given back when that is done; may be NULL. */
void session_refuse(struct context *context, struct account *account, int fd, bool may_linger,
                    const struct fault *fault);

/* Closes the session and leaves its loop; calls that wait have no answer. */
void session_free(struct session *session);

/* Whether its client is gone, though its turn may not have told it yet. If so, the session ends by itself in the turns
 * to come, when what the client had written is dispatched. */
bool session_is_ending(struct session *session);

/* A request that was done in pieces is answered: the next ones are dispatched. */
void session_resume_input(struct session *session);

/* The task of a loop that has events: writes them into the output of the loop's session. */
void session_deliver(struct task *task);

/* Whether the client reads: there is room for more to say. Asked before each request, so inline. */
static inline bool session_takes(const struct session *session)
{
    return !session->closing && !session->broken && session->out.length < session->limits->output_bytes &&
           session->parcels.fds.count + session->unread.sent < session->limits->descriptors_unclaimed;
}

/* Tells the account how many descriptors are unclaimed. */
static inline void session_count_unclaimed(struct session *session)
{
    uint32_t before = session->unclaimed_counted, now = session->unclaimed.count;

    session->unclaimed_counted = now;
    if (now > before)
        account_add_waiting(session->account, now - before);
    else if (now < before)
        account_remove_waiting(session->account, before - now);
}

/*
 * Whether the next requests wait: for a request that is done in pieces, or for batches whose answers are, with the
 * output, as much as the client may leave unread.
 */
static inline bool session_is_paused(const struct session *session)
{
    return session->opening || session->closes ||
           (session->batch_bytes && !session->unfinished.text &&
            session->batch_bytes + session->out.length >= session->limits->output_bytes);
}

/* Something was appended to `out`: it goes out this turn. */
void session_said(struct session *session);

/* There was no memory even to say that there is none. */
void session_break(struct session *session);

/* The oldest descriptor that is unclaimed, if there is one, is closed: the register that it came for has failed. */
void session_discard_descriptor(struct session *session);

/* Another session has taken over the named loop that this one was in. */
void session_tell_detached(struct session *session, const char *loop);

/* A stream of the session's loop that is not connecting is closed, or its descriptor taken out (as of stream_take). */
void session_close_stream(struct session *session, struct stream *stream);
int session_take_stream(struct session *session, struct stream *stream, int copy);

#endif
