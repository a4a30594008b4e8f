/* SPDX-License-Identifier: MIT */
#include "daemon/intake.h"

#include "daemon/handlers.h"
#include "daemon/server.h"
#include "proto/plain.h"
#include "proto/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct span id_null = {"null", 4};

static void say_fault(struct session *session, const struct fault *fault)
{
    struct call call = {.session = session, .id = id_null};

    session->server->units++;
    call_fault(&call, fault);
}

/* A register that fails has its descriptor all the same: the next one's is the next. */
static void claim_in_vain(struct session *session, const struct request *request, const struct fault *fault)
{
    bool decoded = fault->name == FAULT_INVALID_PARAMS || fault->name == FAULT_INTERNAL;

    if (decoded && request->method == METHOD_REGISTER && request->params.fd)
        session_discard_descriptor(session);
}

uint64_t intake_share(const struct server *server)
{
    return server->units + (server->schedule.shared ? SERVER_UNITS_SHARED : SERVER_UNITS);
}

/* Whether only its share can end what is taken of the session. */
static inline bool is_open(const struct session *session)
{
    return session_takes(session) && !session_is_paused(session) &&
           !(session->account->closing && policy_waits_for_closing(&session->server->policy, session->account));
}

/* Asked before and after each request, so inline. */
static inline bool may_take(const struct session *session, uint64_t share)
{
    return session->server->units < share && is_open(session);
}

bool intake_may_take(const struct session *session, uint64_t share)
{
    return may_take(session, share);
}

/* Whether a message begins at `*done`, which is moved behind the white space that is there. */
static inline bool begins(struct session *session, const char *data, size_t length, size_t *done)
{
    size_t space;
    bool result = frame_begins(&session->frame, data + *done, length - *done, &space);

    *done += space;
    return result;
}

/* The messages at `data` that are plain requests. Returns how many bytes are done with. `*ret_may`: more may be taken,
 * as before. */
static size_t take_plain(struct session *session, const char *data, size_t length, uint64_t share, bool *ret_may)
{
    struct server *server = session->server;
    size_t done = 0, used;
    struct request request;

    while (begins(session, data, length, &done) && *ret_may &&
           plain_decode(data + done, length - done, session->limits, &request, &used)) {
        struct call call = {.session = session, .id = request.id};

        done += used;
        server->stats.requests++;
        handle_request(server, &call, &request);
        *ret_may = may_take(session, share);
    }
    return done;
}

static void dispatch(struct session *session, struct span text, struct batch *batch, uint32_t slot)
{
    struct server *server = session->server;
    struct call call = {.session = session, .batch = batch, .slot = slot};
    struct request request;
    struct fault fault;
    int result = request_decode(text, session->limits, &request, &fault);

    server->stats.requests++;
    call.id = request.id;
    if (result < 0) {
        server->units++;
        claim_in_vain(session, &request, &fault);
        call_fault(&call, &fault);
    } else {
        handle_request(server, &call, &request);
    }
    request_deinit(&request);
}

/* A batch is dispatched in pieces too: its text is kept for the next turn. */
static void keep_unfinished(struct session *session, struct unfinished *rest, struct span text)
{
    rest->text = malloc(text.length);
    if (!rest->text) {
        session_break(session); /* half of the batch is done, and the other half cannot be answered */
        return;
    }
    memcpy(rest->text, text.data, text.length);
    rest->reader.rest.data = rest->text + (rest->reader.rest.data - text.data);
    session->unfinished = *rest;
}

/* Returns whether all requests of the message are dispatched. A batch is gone with its last answer. */
static bool dispatch_rest(struct session *session, struct unfinished *rest, uint64_t share)
{
    struct server *server = session->server;
    struct span one;

    while (rest->slot < rest->reader.count && server->units < share && !session->opening && !session->closes &&
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
    struct server *server = session->server;
    struct fault fault;

    server->batch_serial += server->batch_serial == UINT32_MAX ? 2 : 1; /* never 0 */
    rest->batch = batch_new(session, rest->reader.count, server->batch_serial);
    if (rest->batch)
        return 0;
    fault_set(&fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
    say_fault(session, &fault);
    if (session->unclaimed.count) /* from here on they would go to the wrong registers */
        session_break(session);
    return -ENOMEM;
}

static void take_message(struct session *session, struct span text, uint64_t share)
{
    struct unfinished rest = {0};
    struct fault fault;

    if (request_reader_init(&rest.reader, text, session->limits, &fault) < 0) {
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
    const struct limits *limits = session->limits;
    struct fault fault;

    if (session->crowded)
        fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors_uid", limits->descriptors_uid,
                        "this user, or all together, have too many descriptors; see limits in hello");
    else if (session->may_hand_over)
        fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors", limits->descriptors_message,
                        "at most %u descriptors beside a message and %u unclaimed, and the daemon may have none left",
                        limits->descriptors_message, limits->descriptors_unclaimed);
    else
        access_deny_descriptors(&fault);
    say_fault(session, &fault);
    session->closing = true;
    server_schedule(session->server, session);
}

/* Takes messages for as long as the session takes any, and its share of the turn lasts. Returns how many bytes are
 * done with. */
static size_t take_messages(struct session *session, const char *data, size_t length, uint64_t share)
{
    size_t done = 0;
    bool may;

    session->backlog = true;
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
        status = frame_next(&session->frame, data + done, length - done, session->limits, &used, &text, &fault);
        done += used;
        if (status == FRAME_MORE) {
            session->backlog = false;
            break;
        }
        if (status == FRAME_TEXT)
            take_message(session, text, share);
        else
            say_fault(session, &fault);
        session->closing = status == FRAME_CLOSE;
        if (session->unfinished.text)
            break;
    }
    if (done == length && !session->unfinished.text && is_open(session))
        session->backlog = false;
    /* Descriptors come with the last of the bytes that are read at once: those before have their answers before. */
    if (!session->backlog && (session->cut || session->unclaimed.count > session->unclaimed_max))
        refuse_descriptors(session);
    return done;
}

static void keep(struct session *session, const char *data, size_t length)
{
    buffer_append(&session->in, data, length);
    if (buffer_failed(&session->in))
        session_break(session);
}

void intake_take_kept(struct session *session, uint64_t share)
{
    const char *data = session->in.length ? buffer_bytes(&session->in) : "";

    buffer_consume(&session->in, take_messages(session, data, session->in.length, share));
}

void intake_take(struct session *session, size_t length, uint64_t share)
{
    const char *data = session->server->scratch;
    size_t done;

    if (session->in.length) {
        keep(session, data, length);
        if (!session->broken)
            intake_take_kept(session, share);
        return;
    }
    done = take_messages(session, data, length, share);
    if (done < length)
        keep(session, data + done, length - done);
}

void intake_end(struct session *session)
{
    struct fault fault;

    session->input_done = true;
    if (frame_end(&session->frame, &fault) == FRAME_FAULT)
        say_fault(session, &fault);
}
