/* SPDX-License-Identifier: MIT */
#include "daemon/session.h"

#include "daemon/intake.h"
#include "daemon/membership.h"
#include "daemon/opening.h"
#include "daemon/polling.h"
#include "daemon/server.h"
#include "daemon/stream.h"
#include "proto/reply.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- What is said ------------------------------------------------------------------------------------------------ */

void session_said(struct session *session)
{
    task_add(&session->output_task);
}

void session_break(struct session *session)
{
    session->broken = true;
    session_said(session);
}

void session_tell_detached(struct session *session, const char *loop)
{
    if (session->closing) /* its last line is said */
        return;
    notify_loop_detached(&session->out, loop, "takeover");
    buffer_append(&session->out, "\n", 1);
    if (buffer_failed(&session->out))
        session_break(session);
    else
        session_said(session);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

void session_discard_descriptor(struct session *session)
{
    closer_discard(&session->account->closer, descriptors_take(&session->unclaimed));
}

/* What a set that was cut short has left of it. */
static void drop_newest(struct session *session, uint32_t keep)
{
    while (session->unclaimed.count > keep)
        closer_discard(&session->account->closer, descriptors_take_newest(&session->unclaimed));
    session->cut = true;
}

/* A session's own socket, held here, would keep the session open after its client has gone. */
static void refuse_own_connections(struct session *session, uint32_t had)
{
    for (uint32_t i = had; i < session->unclaimed.count; i++) {
        int *fd = descriptors_at(&session->unclaimed, i);

        if (listener_owns(&session->server->listener, *fd)) {
            closer_discard(&session->account->closer, *fd);
            *fd = DESCRIPTOR_REFUSED;
        }
    }
}

/* Descriptors came beside what was read. */
static void take_descriptors(struct session *session, uint32_t had, bool cut)
{
    struct fault fault;

    if (cut || !session->may_hand_over || session->unclaimed.count - had > session->limits->descriptors_message) {
        drop_newest(session, had);
    } else if (policy_check_descriptors(&session->server->policy, session->account, &fault) < 0) {
        session->crowded = true;
        drop_newest(session, had);
    } else {
        refuse_own_connections(session, had);
    }
    session_count_unclaimed(session);
}

/* Reads once, at most `size` bytes. 0: nothing came. */
static size_t read_some(struct session *session, char *room, size_t size)
{
    struct server *server = session->server;
    uint32_t had = session->unclaimed.count;
    bool cut = false;
    ssize_t length = closers_take_room() ? descriptors_look(session->fd, room, size, &cut) : 0;

    /* With descriptors that the table may have no room for, the session is at its end: the bytes stay in the socket. */
    if (!cut && length >= 0)
        length = descriptors_receive(&session->unclaimed, session->fd, room, size, &cut);

    if (length > 0) {
        /* A read ends early at descriptors that came with the bytes, with more of them behind it. */
        session->readable = (size_t)length == size || session->unclaimed.count != had || session->ending;
        if (session->unclaimed.count != had)
            session->unclaimed_max = session->limits->descriptors_unclaimed;
        server->stats.bytes_in += (uint64_t)length;
        timers_let_pass(&server->reactor.timers); /* what is timed from now on began no earlier than this read */
        if (cut || session->unclaimed.count > had)
            take_descriptors(session, had, cut);
        return (size_t)length;
    }
    if (length == -EINTR)
        return 0;
    session->readable = false;
    if (length == -EAGAIN)
        return 0;
    session->ended = true;
    session->gone |= length < 0;
    return 0;
}

/* Whether ending it takes more than a moment. */
static bool has_much_left(const struct session *session)
{
    return !TAILQ_EMPTY(&session->connects) || session->unclaimed.count > SERVER_DISCARDS;
}

static void end_piece(struct session *session)
{
    membership_end_connects(session, NULL);
    for (int i = 0; i < SERVER_DISCARDS; i++)
        session_discard_descriptor(session);
    session_count_unclaimed(session);
    if (has_much_left(session))
        server_schedule(session->server, session);
    session_said(session);
}

/* One read, and what is in it. True: it has ended at descriptors, and behind them there may be the next message. */
static bool read_and_take(struct session *session, uint64_t share)
{
    uint32_t had = session->unclaimed.count;
    size_t length = read_some(session, session->server->scratch, SERVER_READ_BYTES);
    bool ended_at_descriptors = session->unclaimed.count > had;

    if (length)
        intake_take(session, length, share);
    return ended_at_descriptors && !session->backlog;
}

static void run(struct task *task)
{
    struct session *session = container_of(task, struct session, input_task);
    uint64_t share = intake_share(session->server);

    if (session->closing)
        end_piece(session);
    if (!session_takes(session))
        return;
    if (closer_is_clogged(&session->account->closer)) {
        server_wants_relief(session->server);
        return;
    }
    if (session->backlog)
        intake_take_kept(session, share);
    if (!session->backlog && session->readable) {
        int reads = SERVER_READS;
        while (reads-- > 0 && intake_may_take(session, share) && read_and_take(session, share))
            ;
    }
    if (session->ended && !session->backlog && !session->input_done && session_takes(session))
        intake_end(session);
    if ((session->readable || session->backlog) && session_takes(session) && !session_is_paused(session))
        server_schedule(session->server, session);
    session_count_unclaimed(session);
    session_said(session);
}

void session_resume_input(struct session *session)
{
    server_schedule(session->server, session);
}

/* ---- Readiness ----------------------------------------------------------------------------------------------------
 */

/* One line with as many of the events as fit. Nothing is forgotten before the line is whole. */
static int deliver_line(struct session *session)
{
    struct loop *loop = session->loop;
    struct buffer *out = &session->out;
    size_t begun_at = out->length, count = 0;
    struct stream *stream;

    ready_begin(out);
    TAILQ_FOREACH(stream, &loop->ready, place_link)
    {
        if (!events_add(out, stream->token, stream->pending, begun_at, session->limits->line_bytes - 2))
            break;
        count++;
    }
    events_end(out);
    buffer_append(out, "\n", 1);
    if (buffer_failed(out)) {
        buffer_truncate(out, begun_at);
        return -ENOMEM;
    }
    session->server->stats.events += count;
    while (count--)
        stream_told(TAILQ_FIRST(&loop->ready));
    return 0;
}

static void deliver_lines(struct session *session)
{
    struct loop *loop = session->loop;

    while (!TAILQ_EMPTY(&loop->ready) && session_takes(session)) {
        if (deliver_line(session) < 0) {
            server_wants_relief(session->server);
            break;
        }
        session_said(session);
    }
}

void session_deliver(struct task *task)
{
    struct loop *loop = container_of(task, struct loop, deliver_task);
    struct session *session = loop->session;

    if (loop->delivery == DELIVERY_PUSH)
        deliver_lines(session);
    else if (session_takes(session) && polling_is_due(loop->polling)) /* what it waited for may be undone since */
        polling_answer(loop->polling);
    loop_pause(loop);
}

/* ---- Sending ------------------------------------------------------------------------------------------------------
 */

static void watch_output(struct session *session, bool blocked)
{
    minimio_interests interests = blocked ? MINIMIO_READABLE | MINIMIO_WRITABLE : MINIMIO_READABLE;

    if (session->blocked == blocked)
        return;
    if (reactor_rewatch(&session->server->reactor, session->fd, &session->source, interests, MINIMIO_EDGE) == 0)
        session->blocked = blocked;
    else
        server_wants_relief(session->server);
}

/* The client reads no more: what was to be said goes nowhere. */
static void lose_output(struct session *session)
{
    session->gone = true;
    buffer_consume(&session->out, session->out.length);
    parcels_clear(&session->parcels);
}

/* The client is to tell when it has read something: where the kernel takes no more, or descriptors are unread. */
static bool waits_for_client(const struct session *session)
{
    return session->out.length || session->unread.sent >= session->limits->descriptors_unclaimed;
}

static void send_some(struct session *session)
{
    ssize_t sent;

    if (session->gone)
        lose_output(session);
    if (session->unread.sent)
        unread_look(&session->unread);
    if (!session->out.length) {
        watch_output(session, waits_for_client(session));
        return;
    }
    sent = parcels_send(&session->parcels, session->fd, &session->out);
    if (sent > 0) {
        session->server->stats.bytes_out += (uint64_t)sent;
    } else if (sent == -ETOOMANYREFS || sent == -ENOBUFS || sent == -ENOMEM) {
        server_wants_relief(session->server); /* no event of the socket's tells when there is room */
        return;
    } else if (sent < 0 && sent != -EAGAIN && sent != -EINTR) {
        shutdown(session->fd, SHUT_WR); /* should it read after all: it must not wait for what never comes */
        lose_output(session);
    }
    watch_output(session, waits_for_client(session));
}

/* The client has read: what was held back while it did not goes on. */
static void resume(struct session *session)
{
    struct registering *registering;

    while (session_takes(session) && (registering = TAILQ_FIRST(&session->done)))
        registering_answer(registering);
    if (!session_takes(session))
        return;
    if (session->loop)
        loop_resume(session->loop);
    if (!session_is_paused(session) &&
        (session->readable || session->backlog || (session->ended && !session->input_done)))
        server_schedule(session->server, session);
}

/* Whether nothing more can come from or go to the client. */
static bool is_over(struct session *session)
{
    if (session->broken)
        return true;
    if (session->out.length)
        return false;
    if (session->closing)
        return true;
    if (!session->input_done)
        return false;
    return session->gone || (!session->waiting && (!session->loop || !loop_can_speak(session->loop)));
}

/* Detach from the loop; what takes more than a moment to end is still to be ended. */
static void retire(struct session *session)
{
    session->retired = session->closing = true;
    if (TAILQ_EMPTY(&session->connects))
        membership_leave(session, NULL);
    server_schedule(session->server, session);
}

/* Also closes the session where its time has come. */
static void flush(struct task *task)
{
    struct session *session = container_of(task, struct session, output_task);
    bool many = has_much_left(session) && !session->server->stopping;

    if (!session->broken)
        send_some(session);
    if (!is_over(session))
        resume(session);
    else if (many)
        retire(session);
    else
        session_free(session);
}

static void ready(struct source *source, const struct minimio_event *event)
{
    struct session *session = container_of(source, struct session, source);

    if (minimio_event_is_write_closed(event) || minimio_event_is_error(event))
        session->gone = true;
    if (minimio_event_is_read_closed(event) || session->gone)
        session->ending = true;
    session->readable = true;
    server_schedule(session->server, session);
    session_said(session);
}

/* ---- Beginning and end --------------------------------------------------------------------------------------------
 */

int session_new(struct server *server, int fd, struct account *account)
{
    struct session *session = calloc(1, sizeof *session);
    struct loop *loop;
    int result = -ENOMEM;

    if (!session)
        return -ENOMEM;
    session->source.ready = ready;
    session->server = server;
    session->limits = server->limits;
    session->account = account;
    session->input_task = (struct task){.run = run, .share = &account->share, .stage = STAGE_RUN};
    session->output_task = (struct task){.run = flush, .share = &account->share, .stage = STAGE_FLUSH};
    session->parcels.closer = &account->closer;
    session->parcels.unreads = &server->unreads;
    session->parcels.unread = &session->unread;
    session->fd = fd;
    unread_init(&session->unread, account, fd);
    session->may_hand_over = true; /* as the kernel has it of a new socket */
    descriptors_prepare_socket(fd);
    session_apply_access(session);
    LIST_INIT(&session->batches);
    TAILQ_INIT(&session->connects);
    TAILQ_INIT(&session->done);
    frame_init(&session->frame);
    buffer_init(&session->in);
    buffer_init(&session->out);
    loop = loop_new(&server->loops, account, NULL);
    if (loop)
        result = reactor_watch_socket(&server->reactor, fd, &session->source, MINIMIO_READABLE, MINIMIO_EDGE);
    if (result < 0) {
        loop_free(loop);
        free(session);
        return result;
    }
    membership_enter(session, loop);
    LIST_INSERT_HEAD(&server->sessions, session, entry);
    return 0;
}

void session_apply_access(struct session *session)
{
    struct ucred peer = access_peer(session->fd);
    bool may = access_allows_descriptors(&session->server->config->access, &peer, session->fd) &&
               (closers_are_able() || !session->account->closer.stranger);

    if (may != session->may_hand_over)
        descriptors_allow(session->fd, may);
    session->may_hand_over = may;
}

void session_close_stream(struct session *session, struct stream *stream)
{
    policy_remove_registration(&session->server->policy, session->account);
    stream_free(&session->server->reactor, stream);
}

int session_take_stream(struct session *session, struct stream *stream, int copy)
{
    policy_remove_registration(&session->server->policy, session->account);
    return stream_take(&session->server->reactor, stream, copy);
}

/* What is being done in pieces for it goes on without it, or ends. */
static void end_requests(struct session *session)
{
    if (session->opening)
        opening_cancel(session->opening, NULL);
    if (session->closes)
        membership_abandon_close(session);
    membership_forget(session);
    free(session->unfinished.text);
}

/* Whether its client was told its last line and may still be writing. */
static bool lingers(const struct session *session)
{
    return session->closing && !session->broken && !session->gone && !session->ending && !session->ended &&
           !session->server->stopping;
}

static void end_socket(struct session *session)
{
    struct server *server = session->server;

    if (lingers(session) && lingering_begin(&server->lingerings, session->account, session->fd))
        return;
    closer_end_session(&session->account->closer, session->fd);
    policy_remove_session(&server->policy, session->account);
}

void session_free(struct session *session)
{
    struct server *server = session->server;
    struct batch *batch, *next;

    while (!membership_end_connects(session, NULL))
        ;
    end_requests(session);
    membership_leave(session, NULL);
    LIST_FOREACH_SAFE(batch, &session->batches, entry, next)
    batch_free(batch);
    task_cancel(&session->input_task);
    task_cancel(&session->output_task);
    LIST_REMOVE(session, entry);
    frame_deinit(&session->frame);
    buffer_deinit(&session->in);
    buffer_deinit(&session->out);
    parcels_clear(&session->parcels);
    closer_discard_all(&session->account->closer, &session->unclaimed);
    session_count_unclaimed(session);
    reactor_unwatch(&server->reactor, session->fd);
    if (!unread_outlive(&server->unreads, &session->unread)) {
        unread_deinit(&session->unread);
        end_socket(session);
    }
    reactor_bury(&server->reactor, &session->source);
}

bool session_is_ending(struct session *session)
{
    struct pollfd hung_up = {.fd = session->fd};

    if (session->retired || session->broken)
        return true;
    if (!session->gone && !(poll(&hung_up, 1, 0) == 1 && (hung_up.revents & (POLLHUP | POLLERR))))
        return false;
    session->gone = session->ending = session->readable = true;
    server_schedule(session->server, session);
    session_said(session);
    return true;
}

void session_refuse(struct server *server, struct account *account, int fd, bool may_linger, const struct fault *fault)
{
    static const struct span id_null = {"null", 4};
    struct buffer line;

    buffer_init(&line);
    reply_error(&line, id_null, fault);
    buffer_append(&line, "\n", 1);
    if (!buffer_failed(&line)) {
        ssize_t sent = send(fd, buffer_bytes(&line), line.length, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent; /* a new socket has room for a line; a client that left does not miss it */
    }
    buffer_deinit(&line);
    if (may_linger && lingering_begin_refused(&server->lingerings, account, access_peer(fd).uid, fd))
        return;
    closer_end_session(account ? &account->closer : &server->closer, fd);
    if (account)
        policy_end_refusal(&server->policy, account);
}
