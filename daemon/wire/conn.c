/* SPDX-License-Identifier: MIT */
#include "daemon/wire/conn.h"

#include "daemon/base/invariant.h"
#include "proto/reply.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct reactor *conn_reactor(const struct conn *conn)
{
    return &conn->wire->turn->reactor;
}

/* ---- State ------------------------------------------------------------------------------------------------------ */

void conn_schedule_input(struct conn *conn)
{
    turn_add(conn->wire->turn, &conn->input_task);
}

void conn_mark_dirty(struct conn *conn)
{
    task_add(&conn->output_task);
}

static void conn_enter(struct conn *conn, enum conn_state state)
{
    INVARIANT(conn->state <= CONN_ABORTED);
    if (conn->state < state)
        conn->state = (uint8_t)state;
}

static void conn_advance_input(struct conn *conn, enum input_state input)
{
    INVARIANT(conn->input <= INPUT_CONSUMED && input < INPUT_CONSUMED);
    if (conn->input < input)
        conn->input = (uint8_t)input;
}

void conn_abort(struct conn *conn)
{
    conn_enter(conn, CONN_ABORTED);
    conn_mark_dirty(conn);
}

void conn_begin_close(struct conn *conn)
{
    conn_enter(conn, CONN_CLOSING);
}

void conn_end_line(struct conn *conn)
{
    buffer_append(&conn->out, "\n", 1);
    if (buffer_failed(&conn->out))
        conn_abort(conn);
    else
        conn_mark_dirty(conn);
}

bool conn_has_hung_up(struct conn *conn)
{
    struct pollfd hung_up = {.fd = conn->fd};

    if (!conn->output_dead && !(poll(&hung_up, 1, 0) == 1 && (hung_up.revents & (POLLHUP | POLLERR))))
        return false;
    conn_advance_input(conn, INPUT_HUNG_UP);
    conn->output_dead = conn->readable = true;
    conn_schedule_input(conn);
    conn_mark_dirty(conn);
    return true;
}

static void conn_ready(struct source *source, const struct minimio_event *event)
{
    struct conn *conn = container_of(source, struct conn, source);

    if (minimio_event_is_write_closed(event) || minimio_event_is_error(event))
        conn->output_dead = true;
    if (minimio_event_is_read_closed(event) || conn->output_dead)
        conn_advance_input(conn, INPUT_HUNG_UP);
    conn->readable = true;
    conn_schedule_input(conn);
    conn_mark_dirty(conn);
}

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

void conn_discard_fd(struct conn *conn)
{
    close_untrusted(&conn->account->closer, fd_queue_take(&conn->inbox));
}

/* Drops the newest descriptors until `keep` are left. */
static void conn_truncate_inbox(struct conn *conn, uint32_t keep)
{
    while (conn->inbox.count > keep)
        close_untrusted(&conn->account->closer, fd_queue_take_newest(&conn->inbox));
    conn->fds_truncated = true;
}

/* If the daemon held a client's end of a session, the session would stay open after the client exits. */
static void conn_refuse_own_sockets(struct conn *conn, uint32_t had)
{
    for (uint32_t i = had; i < conn->inbox.count; i++) {
        int *fd = fd_queue_at(&conn->inbox, i);

        if (listener_owns(&conn->wire->listener, *fd)) {
            close_untrusted(&conn->account->closer, *fd);
            *fd = FD_REFUSED;
        }
    }
}

/* Checks the descriptors that came with a read. */
static void conn_take_fds(struct conn *conn, uint32_t had, bool truncated)
{
    struct fault fault;

    if (truncated || !conn->may_send_descriptors || conn->inbox.count - had > conn->limits->descriptors_message) {
        conn_truncate_inbox(conn, had);
    } else if (accounts_check_descriptors(conn->account->accounts, conn->account, &fault) < 0) {
        conn->fds_over_limit = true;
        conn_truncate_inbox(conn, had);
    } else {
        conn_refuse_own_sockets(conn, had);
    }
    conn_count_inbox(conn);
}

static ssize_t conn_receive(struct conn *conn, bool *ret_truncated)
{
    char *room = conn->wire->turn->scratch;
    ssize_t length = 0;

    if (async_closers_take_room())
        length = fd_queue_look(conn->fd, room, TURN_READ_BYTES, ret_truncated);
    /* The table may have no room for the descriptors: leave the bytes in the socket, and end the session. */
    if (!*ret_truncated && length >= 0)
        length = fd_queue_receive(&conn->inbox, conn->fd, room, TURN_READ_BYTES, ret_truncated);
    return length;
}

static void conn_read_failed(struct conn *conn, ssize_t result)
{
    if (result == -EINTR)
        return;
    conn->readable = false;
    if (result == -EAGAIN)
        return;
    conn_advance_input(conn, INPUT_READ);
    conn->output_dead |= result < 0;
}

size_t conn_read(struct conn *conn, bool *ret_fds)
{
    struct turn *turn = conn->wire->turn;
    uint32_t had = conn->inbox.count;
    bool truncated = false;
    ssize_t length = conn_receive(conn, &truncated);

    *ret_fds = conn->inbox.count > had;
    if (length <= 0) {
        conn_read_failed(conn, length);
        return 0;
    }
    /* A read ends early at descriptors, so more bytes may follow. */
    conn->readable = length == TURN_READ_BYTES || *ret_fds || conn->input != INPUT_OPEN;
    if (*ret_fds)
        conn->inbox_max = conn->limits->descriptors_unclaimed;
    turn->stats.bytes_in += (uint64_t)length;
    timers_let_pass(&turn->reactor.timers); /* timers started from here on begin no earlier than this read */
    if (truncated || *ret_fds)
        conn_take_fds(conn, had, truncated);
    *ret_fds = conn->inbox.count > had;
    return (size_t)length;
}

/* ---- Sending ---------------------------------------------------------------------------------------------------- */

static void conn_watch_output(struct conn *conn, bool blocked)
{
    minimio_interests interests = blocked ? MINIMIO_READABLE | MINIMIO_WRITABLE : MINIMIO_READABLE;

    if (conn->blocked == blocked)
        return;
    if (reactor_rewatch(conn_reactor(conn), conn->fd, &conn->source, interests, MINIMIO_EDGE) == 0)
        conn->blocked = blocked;
    else
        turn_retry_soon(conn->wire->turn);
}

static void conn_discard_output(struct conn *conn)
{
    conn->output_dead = true;
    buffer_consume(&conn->out, conn->out.length);
    fd_outbox_clear(&conn->outbox);
}

/* The client must read before the output goes on: the kernel takes no more, or descriptors are unread. */
static bool conn_waits_for_client(const struct conn *conn)
{
    return conn->out.length || conn->unread.sent >= conn->limits->descriptors_unclaimed;
}

void conn_send(struct conn *conn)
{
    ssize_t sent = 0;

    if (conn->output_dead)
        conn_discard_output(conn);
    if (conn->unread.sent)
        unread_look(&conn->unread);
    if (conn->out.length)
        sent = fd_outbox_send(&conn->outbox, conn->fd, &conn->out);
    if (sent == -ETOOMANYREFS || sent == -ENOBUFS || sent == -ENOMEM) {
        turn_retry_soon(conn->wire->turn); /* the socket has no event for this kind of room */
        return;
    }
    if (sent > 0) {
        conn->wire->turn->stats.bytes_out += (uint64_t)sent;
    } else if (sent < 0 && sent != -EAGAIN && sent != -EINTR) {
        shutdown(conn->fd, SHUT_WR); /* a client that still reads must see the end of the output */
        conn_discard_output(conn);
    }
    conn_watch_output(conn, conn_waits_for_client(conn));
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

int conn_init(struct conn *conn, struct wire *wire, int fd, struct account *account, void (*input)(struct task *task),
              void (*output)(struct task *task))
{
    conn->source.ready = conn_ready;
    conn->wire = wire;
    conn->limits = wire->turn->limits;
    conn->account = account;
    conn->input_task = (struct task){.run = input, .share = &account->share, .stage = STAGE_RUN};
    conn->output_task = (struct task){.run = output, .share = &account->share, .stage = STAGE_FLUSH};
    conn->outbox.closer = &account->closer;
    conn->outbox.unreads = &wire->unreads;
    conn->outbox.unread = &conn->unread;
    conn->fd = fd;
    unread_init(&conn->unread, account, fd);
    conn->may_send_descriptors = true; /* the kernel's default for a new socket */
    fd_passing_prepare(fd);
    conn_apply_access(conn);
    frame_init(&conn->frame);
    buffer_init(&conn->in);
    buffer_init(&conn->out);
    return reactor_watch_socket(&wire->turn->reactor, fd, &conn->source, MINIMIO_READABLE, MINIMIO_EDGE);
}

void conn_apply_access(struct conn *conn)
{
    struct ucred peer = access_peer(conn->fd);
    bool may = access_allows_descriptors(conn->wire->access, &peer, conn->fd) &&
               (async_closers_are_able() || !conn->account->closer.stranger);

    if (may != conn->may_send_descriptors)
        fd_passing_allow(conn->fd, may);
    conn->may_send_descriptors = may;
}

void conn_deny_descriptors(struct fault *ret_fault)
{
    access_deny_descriptors(ret_fault);
}

/* Whether the client may still be writing after its last line was sent. */
static bool conn_may_linger(const struct conn *conn)
{
    return conn->state == CONN_CLOSING && !conn->output_dead && conn->input == INPUT_OPEN &&
           !conn->wire->turn->stopping;
}

static void conn_end_socket(struct conn *conn)
{
    if (conn_may_linger(conn) && lingering_begin(&conn->wire->lingerings, conn->account, conn->fd))
        return;
    close_session_socket(&conn->account->closer, conn->fd);
    accounts_remove_session(conn->account->accounts, conn->account);
}

void conn_free(struct conn *conn)
{
    struct reactor *reactor = conn_reactor(conn);

    task_cancel(&conn->input_task);
    task_cancel(&conn->output_task);
    frame_deinit(&conn->frame);
    buffer_deinit(&conn->in);
    buffer_deinit(&conn->out);
    fd_outbox_clear(&conn->outbox);
    close_untrusted_all(&conn->account->closer, &conn->inbox);
    conn_count_inbox(conn);
    reactor_unwatch(reactor, conn->fd);
    if (!unread_outlive(&conn->wire->unreads, &conn->unread)) {
        unread_deinit(&conn->unread);
        conn_end_socket(conn);
    }
    reactor_end_source(reactor, &conn->source);
}

void conn_refuse(struct wire *wire, struct account *account, int fd, bool may_linger, const struct fault *fault)
{
    static const struct span id_null = {"null", 4};
    struct buffer line;

    buffer_init(&line);
    reply_error(&line, id_null, fault);
    buffer_append(&line, "\n", 1);
    if (!buffer_failed(&line)) {
        ssize_t sent = send(fd, buffer_bytes(&line), line.length, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent; /* a new socket has room for a line; a client that left needs no line */
    }
    buffer_deinit(&line);
    if (may_linger && lingering_begin_refused(&wire->lingerings, account, access_peer(fd).uid, fd))
        return;
    close_session_socket(account ? &account->closer : &wire->closer, fd);
    if (account)
        accounts_end_refusal(account->accounts, account);
}
