/* SPDX-License-Identifier: MIT */
#include "daemon/session.h"

#include "daemon/handlers.h"
#include "daemon/server.h"
#include "proto/reply.h"
#include "proto/request.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct span id_null = {"null", 4};

/* ---- What is said ------------------------------------------------------------------------------------------------ */

bool session_takes(const struct session *session)
{
    return !session->closing && !session->broken && session->out.length < session->server->limits->output_bytes;
}

void session_said(struct session *session)
{
    if (session->dirty)
        return;
    session->dirty = true;
    TAILQ_INSERT_TAIL(&session->server->dirty, session, dirty_link);
}

void session_break(struct session *session)
{
    session->broken = true;
    session_said(session);
}

static void say_fault(struct session *session, const struct fault *fault)
{
    struct call call = {.session = session, .id = id_null};

    call_fault(&call, fault);
}

/* ---- Requests ---------------------------------------------------------------------------------------------------- */

static void carry_out(struct session *session, struct span text, struct batch *batch, uint32_t slot)
{
    struct server *server = session->server;
    struct call call = {.session = session, .batch = batch, .slot = slot};
    struct request request;
    struct fault fault;
    int result = request_decode(text, server->limits, &request, &fault);

    server->stats.requests++;
    call.id = request.id;
    if (result < 0)
        call_fault(&call, &fault);
    else
        handle_request(server, &call, &request);
    request_deinit(&request);
}

static void take_message(struct session *session, struct span text)
{
    struct server *server = session->server;
    struct request_reader reader;
    struct batch *batch = NULL;
    struct fault fault;
    struct span one;
    uint32_t slot = 0;

    if (request_reader_init(&reader, text, server->limits, &fault) < 0) {
        say_fault(session, &fault);
        return;
    }
    if (reader.batch) {
        server->batch_serial += server->batch_serial == UINT32_MAX ? 2 : 1; /* never 0 */
        batch = batch_new(session, reader.count, server->batch_serial);
        if (!batch) {
            fault_set(&fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
            say_fault(session, &fault);
            return;
        }
    }
    /* The batch is gone with its last call. */
    while (request_reader_next(&reader, &one))
        carry_out(session, one, batch, slot++);
}

/* Takes messages for as long as the session takes any. Returns how many bytes are done with. */
static size_t take_messages(struct session *session, const char *data, size_t length)
{
    size_t done = 0;

    session->backlog = true;
    while (session_takes(session)) {
        struct span text;
        struct fault fault;
        size_t used;
        enum frame_status status =
            frame_next(&session->frame, data + done, length - done, session->server->limits, &used, &text, &fault);

        done += used;
        if (status == FRAME_MORE) {
            session->backlog = false;
            break;
        }
        if (status == FRAME_TEXT)
            take_message(session, text);
        else
            say_fault(session, &fault);
        session->closing = status == FRAME_CLOSE;
    }
    return done;
}

/* Reads once. What comes lies in the server's scratch; 0: nothing came. */
static size_t read_some(struct session *session)
{
    struct server *server = session->server;
    struct iovec piece = {.iov_base = server->scratch, .iov_len = sizeof server->scratch};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    ssize_t length = recvmsg(session->fd, &message, MSG_DONTWAIT);

    if (length > 0) {
        /* A read ends early at a descriptor that came with the bytes, with more of them behind it. */
        session->readable =
            (size_t)length == sizeof server->scratch || (message.msg_flags & MSG_CTRUNC) || session->ending;
        server->stats.bytes_in += (uint64_t)length;
        return (size_t)length;
    }
    if (length < 0 && errno == EINTR)
        return 0;
    session->readable = false;
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    session->ended = true;
    session->gone |= length < 0;
    return 0;
}

static void keep(struct session *session, const char *data, size_t length)
{
    buffer_append(&session->in, data, length);
    if (buffer_failed(&session->in))
        session_break(session);
}

static void take_kept(struct session *session)
{
    buffer_consume(&session->in, take_messages(session, buffer_bytes(&session->in), session->in.length));
}

static void take_fresh(struct session *session, size_t length)
{
    const char *data = session->server->scratch;
    size_t done;

    if (session->in.length) {
        keep(session, data, length);
        if (!session->broken)
            take_kept(session);
        return;
    }
    done = take_messages(session, data, length);
    if (done < length)
        keep(session, data + done, length - done);
}

static void end_of_input(struct session *session)
{
    struct fault fault;

    session->input_done = true;
    if (frame_end(&session->frame, &fault) == FRAME_FAULT)
        say_fault(session, &fault);
}

void session_run(struct session *session)
{
    if (!session_takes(session))
        return;
    if (session->backlog)
        take_kept(session);
    if (!session->backlog && session->readable && session_takes(session)) {
        size_t length = read_some(session);
        if (length)
            take_fresh(session, length);
    }
    if (session->ended && !session->backlog && !session->input_done && session_takes(session))
        end_of_input(session);
    if ((session->readable || session->backlog) && session_takes(session))
        server_schedule(session->server, session);
    session_said(session);
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
    TAILQ_FOREACH(stream, &loop->ready, ready_link)
    {
        if (!ready_add(out, stream->token, stream->pending, begun_at, session->server->limits->line_bytes - 2))
            break;
        count++;
    }
    ready_end(out);
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

void session_deliver(struct session *session)
{
    struct loop *loop = session->loop;

    while (!TAILQ_EMPTY(&loop->ready) && session_takes(session)) {
        if (deliver_line(session) < 0) {
            server_wants_relief(session->server);
            break;
        }
        session_said(session);
    }
    loop_pause(loop);
}

/* ---- Sending ------------------------------------------------------------------------------------------------------
 */

static void watch_output(struct session *session, bool blocked)
{
    minimio_interests interests = blocked ? MINIMIO_READABLE | MINIMIO_WRITABLE : MINIMIO_READABLE;

    if (session->blocked == blocked)
        return;
    session->blocked = blocked;
    if (reactor_rewatch(&session->server->reactor, session->fd, &session->source, interests, MINIMIO_EDGE) < 0)
        session->broken = true;
}

static void send_some(struct session *session)
{
    struct buffer *out = &session->out;
    ssize_t sent;

    if (!out->length)
        return;
    sent = session->gone ? (ssize_t)out->length
                         : send(session->fd, buffer_bytes(out), out->length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        session->gone = true;
        sent = (ssize_t)out->length;
    }
    if (sent > 0) {
        if (!session->gone)
            session->server->stats.bytes_out += (uint64_t)sent;
        buffer_consume(out, (size_t)sent);
    }
    watch_output(session, out->length > 0);
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
    if (session->readable || session->backlog || (session->ended && !session->input_done))
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

void session_flush(struct session *session)
{
    if (!session->broken)
        send_some(session);
    if (is_over(session))
        session_free(session);
    else
        resume(session);
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
    int result = -ENOMEM;

    if (!session)
        return -ENOMEM;
    session->source.ready = ready;
    session->server = server;
    session->account = account;
    session->fd = fd;
    LIST_INIT(&session->batches);
    TAILQ_INIT(&session->done);
    frame_init(&session->frame);
    buffer_init(&session->in);
    buffer_init(&session->out);
    session->loop = loop_new(&server->loops, session);
    if (session->loop)
        result = reactor_watch(&server->reactor, fd, &session->source, MINIMIO_READABLE, MINIMIO_EDGE);
    if (result < 0) {
        loop_free(session->loop);
        free(session);
        return result;
    }
    LIST_INSERT_HEAD(&server->sessions, session, entry);
    return 0;
}

void session_close_loop(struct session *session, bool answer)
{
    struct loop *loop = session->loop;
    struct stream *stream;
    struct fault fault;

    if (!loop)
        return;
    fault_set(&fault, FAULT_LOOP_CLOSED, "the loop was closed");
    session->loop = NULL;
    while ((stream = loop_next(loop, NULL))) {
        if (stream->connecting)
            registering_cancel(stream->registering, answer ? &fault : NULL);
        else
            session_close_stream(session, stream);
    }
    loop_free(loop);
}

void session_close_stream(struct session *session, struct stream *stream)
{
    policy_remove_registration(&session->server->policy, session->account);
    stream_free(&session->server->reactor, stream);
}

/* A socket that is closed with unread bytes in it makes its peer's next read fail, and with it what we said last. */
static void close_politely(int fd)
{
    char discarded[4096];
    int rounds = 16; /* a client that goes on writing gets the failure it asks for */

    shutdown(fd, SHUT_WR);
    while (rounds-- > 0 && recv(fd, discarded, sizeof discarded, MSG_DONTWAIT) > 0)
        ;
    close(fd);
}

void session_free(struct session *session)
{
    struct server *server = session->server;
    struct batch *batch, *next;

    session_close_loop(session, false);
    LIST_FOREACH_SAFE(batch, &session->batches, entry, next)
    batch_free(batch);
    if (session->runnable)
        TAILQ_REMOVE(&server->runnable, session, runnable_link);
    if (session->dirty)
        TAILQ_REMOVE(&server->dirty, session, dirty_link);
    LIST_REMOVE(session, entry);
    frame_deinit(&session->frame);
    buffer_deinit(&session->in);
    buffer_deinit(&session->out);
    reactor_unwatch(&server->reactor, session->fd);
    close_politely(session->fd);
    policy_remove_session(&server->policy, session->account);
    reactor_bury(&server->reactor, &session->source);
}

void session_refuse(int fd, const struct fault *fault)
{
    struct buffer line;

    buffer_init(&line);
    reply_error(&line, id_null, fault);
    buffer_append(&line, "\n", 1);
    if (!buffer_failed(&line)) {
        ssize_t sent = send(fd, buffer_bytes(&line), line.length, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent; /* a new socket has room for a line; a client that left does not miss it */
    }
    buffer_deinit(&line);
    close_politely(fd);
}
