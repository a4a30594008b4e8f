/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/input.h"

#include "daemon/base/invariant.h"
#include "daemon/base/probe.h"
#include "daemon/sessions/batch.h"
#include "daemon/sessions/call.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/request_fast.h"
#include "proto/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct span id_null = {"null", 4};

static void answer_line_fault(struct session *session, const struct fault *fault)
{
    struct call call = {.session = session, .id = id_null};

    session->context->turn.units++;
    call_fault(&call, fault);
}

/* Consume the descriptor even if register fails, so that later registers get theirs. */
static void discard_claimed_fd(struct session *session, const struct request *request, const struct fault *fault)
{
    bool decoded = fault->name == FAULT_INVALID_PARAMS || fault->name == FAULT_INTERNAL;

    if (decoded && request->method == METHOD_REGISTER && request->params.fd)
        conn_discard_fd(&session->conn);
}

/* Whether the session accepts requests: the output has room, no request is in progress, no loop must close first. */
static inline bool accepts_requests(const struct session *session)
{
    return conn_is_writable(&session->conn) && !session_is_paused(session) &&
           !(session->conn.account->closing &&
             accounts_wait_for_closing(&session->context->accounts, session->conn.account));
}

/* Inline, because each request asks twice. */
static inline bool may_dispatch(const struct session *session, uint64_t budget)
{
    return session->context->turn.units < budget && accepts_requests(session);
}

bool input_may_dispatch(const struct session *session, uint64_t budget)
{
    return may_dispatch(session, budget);
}

/* Whether a message begins at `*done`. Advances `*done` past white space. */
static inline bool message_begins(struct session *session, const char *data, size_t length, size_t *done)
{
    size_t space;
    bool result = frame_begins(&session->conn.frame, data + *done, length - *done, &space);

    *done += space;
    return result;
}

/* Fast path: dispatches the plain requests at `data`. Returns the number of consumed bytes. `*ret_may`, true on entry:
 * whether more may be dispatched. */
static size_t dispatch_plain(struct session *session, const char *data, size_t length, uint64_t budget, bool *ret_may)
{
    struct context *context = session->context;
    size_t done = 0, used;
    struct request request;

    while (message_begins(session, data, length, &done) && *ret_may &&
           request_decode_fast(data + done, length - done, session->conn.limits, &request, &used)) {
        struct call call = {.session = session, .id = request.id};

        done += used;
        PROBE3(decode, session->number, request.method, 0);
        context->turn.stats.requests++;
        context->handle(context, &call, &request);
        *ret_may = may_dispatch(session, budget);
    }
    return done;
}

static void dispatch_request(struct session *session, struct span text, struct batch *batch, uint32_t slot)
{
    struct context *context = session->context;
    struct call call = {.session = session, .batch = batch, .slot = slot};
    struct request request;
    struct fault fault;
    int result = request_decode(text, session->conn.limits, &request, &fault);

    PROBE3(decode, session->number, result < 0 ? -1 : (int)request.method, result);
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

/* Keeps a copy of the batch's text, to dispatch the rest in a later turn. */
static void keep_unfinished(struct session *session, struct unfinished *rest, struct span text)
{
    rest->text = malloc(text.length);
    if (!rest->text) {
        conn_abort(&session->conn); /* a part of the batch is dispatched; the rest cannot be answered */
        return;
    }
    memcpy(rest->text, text.data, text.length);
    rest->reader.rest.data = rest->text + (rest->reader.rest.data - text.data);
    INVARIANT(!session->unfinished.text);
    session->unfinished = *rest;
}

/* Returns whether all requests of the message are dispatched. The last answer ends the batch. */
static bool dispatch_rest(struct session *session, struct unfinished *rest, uint64_t budget)
{
    struct context *context = session->context;
    struct span one;

    while (rest->slot < rest->reader.count && context->turn.units < budget && !session->pending_open &&
           !session->closes && request_reader_next(&rest->reader, &one))
        dispatch_request(session, one, rest->batch, rest->slot++);
    return rest->slot == rest->reader.count;
}

static bool finish_batch(struct session *session, uint64_t budget)
{
    struct unfinished *rest = &session->unfinished;

    if (!rest->text)
        return true;
    if (!dispatch_rest(session, rest, budget))
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
    answer_line_fault(session, &fault);
    if (session->conn.inbox.count) /* later registers would claim the wrong descriptors */
        conn_abort(&session->conn);
    return -ENOMEM;
}

static void dispatch_message(struct session *session, struct span text, uint64_t budget)
{
    struct unfinished rest = {0};
    struct fault fault;

    if (request_reader_init(&rest.reader, text, session->conn.limits, &fault) < 0) {
        answer_line_fault(session, &fault);
        return;
    }
    if (rest.reader.batch && begin_batch(session, &rest) < 0)
        return;
    if (!dispatch_rest(session, &rest, budget))
        keep_unfinished(session, &rest, text);
}

/* Ends a session with a truncated or refused set of descriptors: later registers would claim the wrong descriptors. */
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
    answer_line_fault(session, &fault);
    conn_begin_close(&session->conn);
    conn_schedule_input(&session->conn);
}

/* Dispatches messages until the budget is used or the session is paused. Returns the number of consumed bytes. */
static size_t dispatch_messages(struct session *session, const char *data, size_t length, uint64_t budget)
{
    size_t done = 0;
    bool may;

    session->conn.backlog = true;
    if (!finish_batch(session, budget))
        return 0;
    for (may = may_dispatch(session, budget); may; may = may_dispatch(session, budget)) {
        struct span text;
        struct fault fault;
        size_t used;
        enum frame_status status;

        done += dispatch_plain(session, data + done, length - done, budget, &may);
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
            dispatch_message(session, text, budget);
        else
            answer_line_fault(session, &fault);
        if (status == FRAME_CLOSE)
            conn_begin_close(&session->conn);
        if (session->unfinished.text)
            break;
    }
    if (done == length && !session->unfinished.text && accepts_requests(session))
        session->conn.backlog = false;
    /* Descriptors come with the last bytes of a read. Answer the requests before the descriptors first. */
    if (!session->conn.backlog && (session->conn.fds_truncated || session->conn.inbox.count > session->conn.inbox_max))
        refuse_descriptors(session);
    return done;
}

static void input_keep(struct session *session, const char *data, size_t length)
{
    buffer_append(&session->conn.in, data, length);
    if (buffer_failed(&session->conn.in))
        conn_abort(&session->conn);
}

void input_feed_backlog(struct session *session, uint64_t budget)
{
    const char *data = session->conn.in.length ? buffer_bytes(&session->conn.in) : "";

    buffer_consume(&session->conn.in, dispatch_messages(session, data, session->conn.in.length, budget));
}

void input_feed(struct session *session, size_t length, uint64_t budget)
{
    const char *data = session->context->turn.scratch;
    size_t done;

    if (session->conn.in.length) {
        input_keep(session, data, length);
        if (session->conn.state != CONN_ABORTED)
            input_feed_backlog(session, budget);
        return;
    }
    done = dispatch_messages(session, data, length, budget);
    if (done < length)
        input_keep(session, data + done, length - done);
}

/* A client that has hung up does not wait for a loop, and a worker that has hung up cannot end a lease. */
static void end_waiting(struct session *session)
{
    struct member *member = &session->member;
    struct fault fault;

    if (session->waiting_open) {
        fault_set(&fault, FAULT_LOOP_BUSY, "the loop is busy, and a client that has hung up does not wait");
        session->waiting_open->cancel(session->waiting_open, &fault);
    }
    if (!member->loop || member->role != ROLE_WORKER)
        return;
    session_update_worker(session);
    if (member->poll)
        member->poll->answer(member->poll);
}

void input_finish(struct session *session)
{
    struct fault fault;

    INVARIANT(session->conn.input == INPUT_READ && !session->unfinished.text);
    session->conn.input = INPUT_CONSUMED;
    end_waiting(session);
    if (frame_end(&session->conn.frame, &fault) == FRAME_FAULT)
        answer_line_fault(session, &fault);
}
