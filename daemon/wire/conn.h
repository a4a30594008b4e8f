/* SPDX-License-Identifier: MIT */
/*
 * A client's connection: its socket, the bytes and descriptors in and out, and how much of each direction is left. The
 * only file that reads or writes the sockets of clients that have a session.
 *
 * Owns the socket and its buffers. Calls the reactor, the account of the client's user, and the closer.
 */
#ifndef MINIMIO_DAEMON_WIRE_CONN_H
#define MINIMIO_DAEMON_WIRE_CONN_H

#include "daemon/accounts/accounts.h"
#include "daemon/base/async_close.h"
#include "daemon/base/fd_queue.h"
#include "daemon/config/access.h"
#include "daemon/wire/fd_outbox.h"
#include "daemon/wire/lingering.h"
#include "daemon/wire/listener.h"
#include "daemon/wire/turn.h"
#include "daemon/wire/unread.h"
#include "proto/buffer.h"
#include "proto/frame.h"

/* What all connections share. */
struct wire {
    struct turn *turn;
    const struct access_rules *access;
    struct listener listener;
    struct unreads unreads;
    struct lingerings lingerings; /* sockets of sessions that are over */
    struct async_closer closer;   /* of clients without an account */
};

/* How far the input of the client has come. Each state follows the one before. */
enum input_state {
    INPUT_OPEN,     /* the client may write more */
    INPUT_HUNG_UP,  /* the client writes no more; the socket may hold bytes */
    INPUT_READ,     /* the socket was read to its end; messages may wait in `in` */
    INPUT_CONSUMED, /* every message was dispatched */
};

/* Likewise. */
enum conn_state {
    CONN_SERVING,
    CONN_CLOSING, /* closed when the output is sent; nothing more is read */
    CONN_ABORTED, /* closed at once */
};

struct conn {
    struct source source;
    struct wire *wire;
    const struct limits *limits;
    struct account *account;
    struct task input_task;  /* there is something to read or to dispatch */
    struct task output_task; /* there is something to send, or the connection may be at its end */
    int fd;
    struct frame frame;
    struct buffer in;          /* a begun message, and bytes that were read and not dispatched */
    struct buffer out;         /* complete lines; the first may be partly sent */
    struct fd_outbox outbox;   /* descriptors that go with `out` */
    struct unread unread;      /* those of them that the client has not read */
    struct fd_queue inbox;     /* received, and not claimed by a register */
    uint32_t inbox_counted;    /* descriptors of `inbox` that the account has counted */
    uint32_t inbox_max;        /* the limit when the last descriptors came: a lower limit is for later ones */
    uint8_t input;             /* enum input_state */
    uint8_t state;             /* enum conn_state */
    bool may_send_descriptors; /* the client */
    bool fds_truncated;        /* some of the descriptors that came last were dropped */
    bool fds_over_limit;       /* because its user has too many */
    bool readable;             /* the kernel may have more to read */
    bool backlog;              /* `in` may hold complete messages */
    bool output_dead;          /* the client no longer reads: output is discarded */
    bool blocked;              /* the kernel takes no more output for now */
};

/*
 * Takes the socket, which is the caller's until then. `conn` is zeroed, and the first member of an allocation that the
 * reactor frees in the end. Errors: those of the registrator.
 */
int conn_init(struct conn *conn, struct wire *wire, int fd, struct account *account, void (*input)(struct task *task),
              void (*output)(struct task *task));

/* Closes the socket, and has the reactor free the allocation. A client that may still be writing is lingered for. */
void conn_free(struct conn *conn);

/* Why a client may not send descriptors. */
void conn_deny_descriptors(struct fault *ret_fault);

/* Asks the rules anew whether the client may send descriptors. */
void conn_apply_access(struct conn *conn);

/* Whether the client reads: there is room for more output. Asked before each request, so inline. */
static inline bool conn_is_writable(const struct conn *conn)
{
    return conn->state == CONN_SERVING && conn->out.length < conn->limits->output_bytes &&
           conn->outbox.fds.count + conn->unread.sent < conn->limits->descriptors_unclaimed;
}

/* Has the input looked at, in this turn or the next. */
void conn_schedule_input(struct conn *conn);

/* Output was appended, or the connection may be at its end: sends it this turn. */
void conn_mark_dirty(struct conn *conn);

/* Ends the line that was appended to `out`. Without memory for the line, aborts the connection. */
void conn_end_line(struct conn *conn);

void conn_abort(struct conn *conn);

/* Closes the connection once the output is sent. */
void conn_begin_close(struct conn *conn);

/* The client has hung up, though its readiness may not have been gathered yet; if so, its input is scheduled. */
bool conn_has_hung_up(struct conn *conn);

/* Reads into the turn's scratch and sets `*ret_fds` if descriptors came. Returns the number of bytes; 0: none. */
size_t conn_read(struct conn *conn, bool *ret_fds);

/* Sends as much as the client's socket takes. */
void conn_send(struct conn *conn);

/* Closes the oldest descriptor of the inbox, if there is one: the register that it came for has failed. */
void conn_discard_fd(struct conn *conn);

/* Has the account count what is in the inbox. */
static inline void conn_count_inbox(struct conn *conn)
{
    uint32_t before = conn->inbox_counted, now = conn->inbox.count;

    conn->inbox_counted = now;
    if (now > before)
        account_add_waiting(conn->account, now - before);
    else if (now < before)
        account_remove_waiting(conn->account, before - now);
}

/*
 * Tells a client that there is no session for it, and closes its socket; with `may_linger` a moment later, if need be,
 * so that the client can read the fault (lingering.h). `account`: of accounts_begin_refusal, which is given back when
 * the socket is closed; may be NULL.
 */
void conn_refuse(struct wire *wire, struct account *account, int fd, bool may_linger, const struct fault *fault);

#endif
