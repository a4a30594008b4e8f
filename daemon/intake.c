/* SPDX-License-Identifier: MIT */
#include "daemon/intake.h"

#include "daemon/handlers.h"
#include "daemon/server.h"
#include "proto/plain.h"
#include "proto/request.h"

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

bool intake_may_take(const struct session *session, uint64_t share)
{
    return session_takes(session) && session->server->units < share;
}

/* The messages at `data` that are plain requests. Returns how many bytes are done with. */
static size_t take_plain(struct session *session, const char *data, size_t length, uint64_t share)
{
    struct server *server = session->server;
    size_t done = 0, space, used;
    struct request request;

    while (intake_may_take(session, share) && frame_begins(&session->frame, data + done, length - done, &space) &&
           plain_decode(data + done + space, length - done - space, session->limits, &request, &used)) {
        struct call call = {.session = session, .id = request.id};

        done += space + used;
        server->stats.requests++;
        handle_request(server, &call, &request);
    }
    return done;
}

static void carry_out(struct session *session, struct span text, struct batch *batch, uint32_t slot)
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

static void take_message(struct session *session, struct span text)
{
    struct server *server = session->server;
    struct request_reader reader;
    struct batch *batch = NULL;
    struct fault fault;
    struct span one;
    uint32_t slot = 0;

    if (request_reader_init(&reader, text, session->limits, &fault) < 0) {
        say_fault(session, &fault);
        return;
    }
    if (reader.batch) {
        server->batch_serial += server->batch_serial == UINT32_MAX ? 2 : 1; /* never 0 */
        batch = batch_new(session, reader.count, server->batch_serial);
        if (!batch) {
            fault_set(&fault, FAULT_INTERNAL, "the daemon is out of memory; try again later");
            say_fault(session, &fault);
            if (session->unclaimed.count) /* from here on they would go to the wrong registers */
                session_break(session);
            return;
        }
    }
    /* The batch is gone with its last call. */
    while (request_reader_next(&reader, &one))
        carry_out(session, one, batch, slot++);
}

/* A set that was cut short, or one too many: which descriptor is whose can no longer be told. */
static void refuse_descriptors(struct session *session)
{
    const struct limits *limits = session->limits;
    struct fault fault;

    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "descriptors", limits->descriptors_message,
                    "at most %u descriptors beside a message and %u unclaimed, and the daemon may have none left",
                    limits->descriptors_message, limits->descriptors_unclaimed);
    say_fault(session, &fault);
    session->closing = true;
    server_schedule(session->server, session);
}

/* Takes messages for as long as the session takes any, and its share of the turn lasts. Returns how many bytes are
 * done with. */
static size_t take_messages(struct session *session, const char *data, size_t length, uint64_t share)
{
    size_t done = 0;

    session->backlog = true;
    session->taking = true;
    while (intake_may_take(session, share)) {
        struct span text;
        struct fault fault;
        size_t used;
        enum frame_status status;

        done += take_plain(session, data + done, length - done, share);
        if (!intake_may_take(session, share))
            break;
        status = frame_next(&session->frame, data + done, length - done, session->limits, &used, &text, &fault);
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
    /* Descriptors come with the last of the bytes that are read at once: those before have their answers before. */
    if (!session->backlog && (session->cut || session->unclaimed.count > session->unclaimed_max))
        refuse_descriptors(session);
    session->taking = false;
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
