/* SPDX-License-Identifier: MIT */
/*
 * One client: its socket, the bytes in and out, and its loop. The only file that reads or writes client sockets.
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
#include "proto/buffer.h"
#include "proto/frame.h"
#include "proto/limits.h"

struct server;

struct session {
    struct source source;
    struct server *server;
    const struct limits *limits; /* the server's */
    LIST_ENTRY(session) entry;   /* in server->sessions */
    struct task input_task;      /* has something to read or to dispatch */
    struct task output_task;     /* has something to send, or may be at its end */
    struct account *account;
    struct loop *loop; /* NULL: none, until the next open_loop */
    LIST_HEAD(, batch) batches;
    struct registering_list done; /* answers that wait until the client reads */
    uint32_t waiting;             /* calls that are answered later */
    int fd;
    struct frame frame;
    struct buffer in;             /* a begun message, and what was read but not taken yet */
    struct buffer out;            /* whole lines, but for the front */
    struct parcels parcels;       /* descriptors that go with it */
    uint32_t held_fds;            /* that batches without all their answers keep */
    struct descriptors unclaimed; /* received, for the registers to come */
    uint32_t unclaimed_max;       /* the limit of them when the last ones came: a lower one is for those to come */
    bool taking;     /* one of its requests is being carried out */
    bool cut;        /* of the descriptors that came last some were lost */
    bool readable;   /* the kernel may have more to read */
    bool backlog;    /* `in` may hold messages that were not taken: the client does not read, or has had its share */
    bool ending;     /* the client writes no more: what it wrote is to be read to its end */
    bool ended;      /* and was read to its end */
    bool input_done; /* and all that it wrote was taken */
    bool gone;       /* the client reads no more: what is said goes nowhere */
    bool blocked;    /* the kernel takes no more for now */
    bool closing;    /* to be closed when what was said is out; nothing more is read */
    bool broken;     /* to be closed at once */
};

/* Takes the socket, which is the server's until then, into a new session with an open loop. Errors: -ENOMEM, and those
 * of the registrator; the socket is then the caller's still. */
int session_new(struct server *server, int fd, struct account *account);

/* Tells a client that there is no session for it, and closes its socket. */
void session_refuse(int fd, const struct fault *fault);

/* Closes the session and leaves its loop; calls that wait have no answer. */
void session_free(struct session *session);

/* Whether its client is gone, though the turn may not have told it yet, and it can be finished: it may itself be the
 * one that asks, or wait for one that does. */
bool session_can_be_finished(const struct session *session);

/* Carries out what a client that is gone had written, and frees its session. */
void session_finish(struct session *session);

/* The task of a loop that has events: writes them into the output of the loop's session. */
void session_deliver(struct task *task);

/* Whether the client reads: there is room for more to say. Asked before each request, so inline. */
static inline bool session_takes(const struct session *session)
{
    return !session->closing && !session->broken && session->out.length < session->limits->output_bytes &&
           session->parcels.fds.count < session->limits->descriptors_unclaimed;
}

/* Something was appended to `out`: it goes out this turn. */
void session_said(struct session *session);

/* There was no memory even to say that there is none. */
void session_break(struct session *session);

/* The oldest descriptor that is unclaimed, if there is one, is closed: the register that it came for has failed. */
void session_discard_descriptor(struct session *session);

/* Another session has taken over the named loop that this one was in. */
void session_tell_detached(struct session *session, const char *loop);

/* A stream of the session's loop that is not connecting is closed, or its descriptor taken out. */
void session_close_stream(struct session *session, struct stream *stream);
int session_take_stream(struct session *session, struct stream *stream);

#endif
