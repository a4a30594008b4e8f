/* SPDX-License-Identifier: MIT */
/*
 * The transport of a session: the client's socket, bytes and descriptors in and out, and the state of each direction.
 * Only conn.c reads and writes the sockets of sessions.
 *
 * Owns the socket and the buffers. Calls the reactor, the account of the client's user, and the closer.
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

/* State shared by all connections. */
struct wire {
    struct turn *turn;
    const struct access_rules *access;
    struct listener listener;
    struct unreads unreads;
    struct lingerings lingerings; /* sockets of closed sessions */
    struct async_closer closer;   /* of clients without an account */
};

/* Progress of the input. States advance, and never go back. */
enum input_state {
    INPUT_OPEN,     /* the client may write more */
    INPUT_HUNG_UP,  /* the client writes no more; the socket may hold bytes */
    INPUT_READ,     /* the socket was read to its end; messages may wait in `in` */
    INPUT_CONSUMED, /* every message was dispatched */
};

/* Progress of the connection. States advance, and never go back. */
enum conn_state {
    CONN_SERVING,
    CONN_CLOSING, /* closed when the output is sent; no more input is read */
    CONN_ABORTED, /* closed at once */
};

struct conn {
    struct source source;
    struct wire *wire;
    const struct limits *limits;
    struct account *account;
    struct task input_task;  /* queued while there is input to read or to dispatch */
    struct task output_task; /* queued while there is output, or the connection may be at its end */
    int fd;
    struct frame frame;
    struct buffer in;          /* bytes read and not dispatched; the last message may be incomplete */
    struct buffer out;         /* complete lines; the first may be partly sent */
    struct fd_outbox outbox;   /* descriptors that go with `out` */
    struct unread unread;      /* descriptors that the client has not read */
    struct fd_queue inbox;     /* received descriptors, not claimed by a register */
    uint32_t inbox_counted;    /* descriptors of `inbox` that the account has counted */
    uint32_t inbox_max;        /* limit when the last descriptors came; a lower limit applies to later descriptors */
    uint8_t input;             /* enum input_state */
    uint8_t state;             /* enum conn_state */
    bool may_send_descriptors; /* whether the rules allow the client to */
    bool fds_truncated;        /* descriptors of the last read were dropped, e.g. MSG_CTRUNC was set */
    bool fds_over_limit;       /* the drop was due to a limit of the user, or of all users */
    bool readable;             /* the kernel may have more to read */
    bool backlog;              /* `in` may hold complete messages */
    bool output_dead;          /* the client no longer reads: output is discarded */
    bool blocked;              /* the kernel takes no more output for now */
};

/*
 * Takes ownership of the socket on success. `conn` must be zeroed, and the first member of an allocation; the reactor
 * frees the allocation. Errors: those of the registrator.
 */
int conn_init(struct conn *conn, struct wire *wire, int fd, struct account *account, void (*input)(struct task *task),
              void (*output)(struct task *task));

/* Closes the socket, and has the reactor free the allocation. Lingers for a client that may still be writing. */
void conn_free(struct conn *conn);

/* Sets the fault for a client that may not send descriptors. */
void conn_deny_descriptors(struct fault *ret_fault);

/* Applies the current rules: whether the client may send descriptors. */
void conn_apply_access(struct conn *conn);

/* Whether the output is below the high-water mark. Inline, because each request asks. */
static inline bool conn_is_writable(const struct conn *conn)
{
    return conn->state == CONN_SERVING && conn->out.length < conn->limits->output_bytes &&
           conn->outbox.fds.count + conn->unread.sent < conn->limits->descriptors_unclaimed;
}

/* Schedules the input task for this turn or the next. */
void conn_schedule_input(struct conn *conn);

/* Schedules a flush this turn: output was appended, or the connection may be at its end. */
void conn_mark_dirty(struct conn *conn);

/* Ends the line appended to `out`. Without memory for the line, aborts the connection. */
void conn_end_line(struct conn *conn);

/* Closes the connection at the next flush, and discards the output. */
void conn_abort(struct conn *conn);

/* Closes the connection once the output is sent. */
void conn_begin_close(struct conn *conn);

/* Whether the client hung up. Asks the kernel, as the event may be undelivered, and schedules the input if so. */
bool conn_has_hung_up(struct conn *conn);

/* Reads into the turn's scratch and sets `*ret_fds` if descriptors came. Returns the number of bytes, or 0. */
size_t conn_read(struct conn *conn, bool *ret_fds);

/* Sends as much as the client's socket takes. */
void conn_send(struct conn *conn);

/* Closes the oldest descriptor of the inbox, if any: the register that claims the descriptor failed. */
void conn_discard_fd(struct conn *conn);

/* Updates the account's count of descriptors in the inbox. */
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
 * Sends the fault to a client without a session, and closes the socket; with `may_linger` after a lingering close, to
 * let the client read the fault (lingering.h). `account`: from accounts_begin_refusal, or NULL; returned when the
 * socket is closed.
 */
void conn_refuse(struct wire *wire, struct account *account, int fd, bool may_linger, const struct fault *fault);

#endif
