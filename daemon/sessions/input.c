/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/input.h"

#include "daemon/sessions/batch.h"
#include "daemon/sessions/call.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/plain.h"
#include "proto/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct span id_null = {"null", 4};

static void say_fault(struct session *session, const struct fault *fault)
{
    struct call call = {.session = session, .id = id_null};

    session->context->turn.units++;
    call_fault(&call, fault);
}

/* A register that fails has its descriptor all the same: the next one's is the next. */
static void discard_claimed_fd(struct session *session, const struct request *request, const struct fault *fault)
{
    bool decoded = fault->name == FAULT_INVALID_PARAMS || fault->name == FAULT_INTERNAL;

    if (decoded && request->method == METHOD_REGISTER && request->params.fd)
        conn_discard_fd(&session->conn);
}

/* Whether only its share can end what is taken of the session. */
static inline bool is_open(const struct session *session)
{
    return conn_is_writable(&session->conn) && !session_is_paused(session) &&
           !(session->conn.account->closing &&
             accounts_wait_for_closing(&session->context->accounts, session->conn.account));
}

/* Asked before and after each request, so inline. */
static inline bool may_take(const struct session *session, uint64_t share)
{
    return session->context->turn.units < share && is_open(session);
}

bool input_may_dispatch(const struct session *session, uint64_t share)
{
    return may_take(session, share);
}

/* Whether a message begins at `*done`, which is moved behind the white space that is there. */
static inline bool begins(struct session *session, const char *data, size_t length, size_t *done)
{
    size_t space;
    bool result = frame_begins(&session->conn.frame, data + *done, length - *done, &space);

    *done += space;
    return result;
}

/* The messages at `data` that are plain requests. Returns how many bytes are done with. `*ret_may`: more may be taken,
 * as before. */
static size_t take_plain(struct session *session, const char *data, size_t length, uint64_t share, bool *ret_may)
{
    struct context *context = session->context;
    size_t done = 0, used;
    struct request request;

    while (begins(session, data, length, &done) && *ret_may &&
           plain_decode(data + done, length - done, session->conn.limits, &request, &used)) {
        struct call call = {.session = session, .id = request.id};

        done += used;
        context->turn.stats.requests++;
        context->handle(context, &call, &request);
        *ret_may = may_take(session, share);
    }
    return done;
}

static void dispatch(struct session *session, struct span text, struct batch *batch, uint32_t slot)
{
    struct context *context = session->context;
    struct call call = {.session = session, .batch = batch, .slot = slot};
    struct request request;
    struct fault fault;
    int result = request_decode(text, session->conn.limits, &request, &fault);

    context->turn.stats.requests++;
    call.id = request.id;
    if (result < 0) {
        context->turn.units++;
        discard_claimed_fd(session, &request, &fault);
        call_fault(&call, &fault);
    } else {
        context->handle(context, &call, &request);
    }
    request_deinit(&request);
}

/* A batch is dispatched in pieces too: its text is kept for the next turn. */
static void keep_unfinished(struct session *session, struct unfinished *rest, struct span text)
{
    rest->text = malloc(text.length);
    if (!rest->text) {
        conn_abort(&session->conn); /* half of the batch is done, and the other half cannot be answered */
        return;
    }
    memcpy(rest->text, text.data, text.length);
    rest->reader.rest.data = rest->text + (rest->reader.rest.data - text.data);
    session->unfinished = *rest;
}

/* Returns whether all requests of the message are dispatched. A batch is gone with its last answer. */
static bool dispatch_rest(struct session *session, struct unfinished *rest, uint64_t share)
{
    struct context *context = session->context;
    struct span one;

    while (rest->slot < rest->reader.count && context->turn.units < share && !session->opening && !session->closes &&
           request_reader_next(&rest->reader, &one))
        dispatch(session, one, rest->batch, rest->slot++);
    return rest->slot == rest->reader.count;
}

static bool finish_batch(struct session *session, uint64_t share)
{
    struct unfinished *rest = &session->unfinished;

    if (!rest->text)
        return true;
    if (!dispatch_rest(session, rest, share))
        return false;
    free(rest->text);
    *rest = (struct unfinished){0};
    return true;
}

static int begin_batch(struct session *session, struct unfinished *rest)
{
    struct context *context = session->context;
    struct fault fault;

    context->batch_serial += context->batch_serial == UINT32_MAX ? 2 : 1; /* never 0 */
    rest->batch = batch_new(session, rest->reader.count, context->batch_serial);
    if (rest->batch)
        return 0;
    fault_set(&fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
    say_fault(session, &fault);
    if (session->conn.inbox.count) /* from here on they would go to the wrong registers */
        conn_abort(&session->conn);
    return -ENOMEM;
}

static void take_message(struct session *session, struct span text, uint64_t share)
{
    struct unfinished rest = {0};
    struct fault fault;

    if (request_reader_init(&rest.reader, text, session->conn.limits, &fault) < 0) {
        say_fault(session, &fault);
        return;
    }
    if (rest.reader.batch && begin_batch(session, &rest) < 0)
        return;
    if (!dispatch_rest(session, &rest, share))
        keep_unfinished(session, &rest, text);
}

/* A set that was cut short, or one too many: which descriptor is whose can no longer be told. */
static void refuse_descriptors(struct session *session)
{
    const struct limits *limits = session->conn.limits;
    struct fault fault;

    if (session->conn.fds_over_limit)
        fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors_uid", limits->descriptors_uid,
                        "this user, or all together, have too many descriptors; see limits in hello");
    else if (session->conn.may_send_descriptors)
        fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors", limits->descriptors_message,
                        "at most %u descriptors beside a message and %u unclaimed, and the daemon may have none left",
                        limits->descriptors_message, limits->descriptors_unclaimed);
    else
        conn_deny_descriptors(&fault);
    say_fault(session, &fault);
    conn_begin_close(&session->conn);
    conn_schedule_input(&session->conn);
}

/* Takes messages for as long as the session takes any, and its share of the turn lasts. Returns how many bytes are
 * done with. */
static size_t take_messages(struct session *session, const char *data, size_t length, uint64_t share)
{
    size_t done = 0;
    bool may;

    session->conn.backlog = true;
    if (!finish_batch(session, share))
        return 0;
    for (may = may_take(session, share); may; may = may_take(session, share)) {
        struct span text;
        struct fault fault;
        size_t used;
        enum frame_status status;

        done += take_plain(session, data + done, length - done, share, &may);
        if (!may || done == length)
            break;
        status =
            frame_next(&session->conn.frame, data + done, length - done, session->conn.limits, &used, &text, &fault);
        done += used;
        if (status == FRAME_MORE) {
            session->conn.backlog = false;
            break;
        }
        if (status == FRAME_TEXT)
            take_message(session, text, share);
        else
            say_fault(session, &fault);
        if (status == FRAME_CLOSE)
            conn_begin_close(&session->conn);
        if (session->unfinished.text)
            break;
    }
    if (done == length && !session->unfinished.text && is_open(session))
        session->conn.backlog = false;
    /* Descriptors come with the last of the bytes that are read at once: those before have their answers before. */
    if (!session->conn.backlog && (session->conn.fds_truncated || session->conn.inbox.count > session->conn.inbox_max))
        refuse_descriptors(session);
    return done;
}

static void keep(struct session *session, const char *data, size_t length)
{
    buffer_append(&session->conn.in, data, length);
    if (buffer_failed(&session->conn.in))
        conn_abort(&session->conn);
}

void input_feed_backlog(struct session *session, uint64_t share)
{
    const char *data = session->conn.in.length ? buffer_bytes(&session->conn.in) : "";

    buffer_consume(&session->conn.in, take_messages(session, data, session->conn.in.length, share));
}

void input_feed(struct session *session, size_t length, uint64_t share)
{
    const char *data = session->context->turn.scratch;
    size_t done;

    if (session->conn.in.length) {
        keep(session, data, length);
        if (session->conn.state != CONN_ABORTED)
            input_feed_backlog(session, share);
        return;
    }
    done = take_messages(session, data, length, share);
    if (done < length)
        keep(session, data + done, length - done);
}

void input_finish(struct session *session)
{
    struct fault fault;

    session->conn.input = INPUT_CONSUMED;
    if (frame_end(&session->conn.frame, &fault) == FRAME_FAULT)
        say_fault(session, &fault);
}
