/* SPDX-License-Identifier: MIT */
/* The methods that are about a loop as a whole. */
#include "daemon/handlers.h"

#include "daemon/durable.h"
#include "daemon/membership.h"
#include "daemon/polling.h"
#include "daemon/server.h"
#include "daemon/stream.h"
#include "proto/reply.h"

#include <errno.h>
#include <string.h>

/* ---- open_loop -------------------------------------------------------------------------------------------------- */

/* How deep sessions whose clients are gone may be finished for each other, as one that is finished may itself have
 * asked for a loop of another. */
#define FINISHING_MAX 16

/*
 * The named loop as it is after those in it whose client is gone have left: a client that comes back after the kernel
 * closed its old session is not to find its own loop busy. NULL: there is none.
 */
static struct loop *find_loop(struct server *server, struct session *session, const char *name)
{
    struct loop *loop;

    while ((loop = loops_find(&server->loops, name, session->account->uid)) && loop->session &&
           loop->session != session && server->finishing < FINISHING_MAX && session_can_be_finished(loop->session)) {
        server->finishing++;
        session_finish(loop->session);
        server->finishing--;
    }
    return loop;
}

static bool given(const struct params *params, size_t offset)
{
    return params_given(METHOD_OPEN_LOOP, params, offset);
}

/* The other session stands as after close_loop. */
static void take_over(struct loop *loop)
{
    struct session *other = loop->session;
    struct fault fault;

    fault_set(&fault, FAULT_LOOP_CLOSED, "another session has taken the loop over");
    membership_detach(loop, &fault);
    session_tell_detached(other, loop->name);
}

/* A new loop that nobody is in; NULL: answered with why not. */
static struct loop *create(struct server *server, struct call *call, const char *name)
{
    struct account *account = call->session->account;
    struct loop *loop;
    struct fault fault;

    if (name && policy_add_loop(&server->policy, account, &fault) < 0) {
        call_fault(call, &fault);
        return NULL;
    }
    loop = loop_new(&server->loops, account, name);
    if (!loop && name)
        policy_remove_loop(&server->policy, account);
    if (!loop)
        answer_out_of_memory(call);
    return loop;
}

static int check_linger(struct call *call, const struct params *params)
{
    uint32_t max = call->session->limits->linger_ms;
    struct fault fault;

    if (!given(params, offsetof(struct params, linger_ms)) || params->linger_ms <= max)
        return 0;
    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "linger_ms", max, "a loop may linger for at most %u ms", max);
    call_fault(call, &fault);
    return -ERANGE;
}

/* Delivery and linger are kept where they are not given. An anonymous loop never lingers. */
static void set_up(struct loop *loop, const struct params *params)
{
    if (given(params, offsetof(struct params, delivery)))
        loop->delivery = params->delivery;
    if (given(params, offsetof(struct params, linger_ms)))
        loop->linger_ms = params->linger_ms;
}

static void enter(struct call *call, struct loop *loop, bool created, const struct params *params)
{
    struct session *session = call->session;
    struct fault fault;

    fault_set(&fault, FAULT_LOOP_CLOSED, "this session has opened another loop");
    if (session->loop != loop)
        membership_leave(session, &fault);
    else
        membership_detach(loop, &fault);
    set_up(loop, params);
    if (created)
        durable_loop_added(loop->loops->durable, loop);
    else
        durable_loop_changed(loop->loops->durable, loop);
    if (call->batch)
        loop->held_by = call->batch->serial;
    reply_opened(call_begin(call), call->id, loop_name(loop), created, loop->delivery, loop->count);
    membership_enter(session, loop);
    call_end(call);
}

void handle_open_loop(struct server *server, struct call *call, const struct params *params)
{
    struct session *session = call->session;
    const char *name = params->name.data;
    struct loop *loop = name ? find_loop(server, session, name) : NULL;
    bool created = !loop;

    if (session->loop && session->loop->count) {
        answer_fault(call, FAULT_LOOP_OPEN, "this session's loop has registrations; close_loop first, or use another");
        return;
    }
    if (check_linger(call, params) < 0)
        return;
    if (loop && loop->session && loop->session != session) {
        if (!params->takeover) {
            answer_fault(call, FAULT_LOOP_BUSY, "another session is in this loop; see takeover");
            return;
        }
        take_over(loop);
    }
    if (!loop)
        loop = create(server, call, name);
    if (loop)
        enter(call, loop, created, params);
}

/* ---- poll, close_loop ------------------------------------------------------------------------------------------- */

void handle_poll(struct server *server, struct call *call, const struct params *params)
{
    struct loop *loop = call->session->loop;
    bool has_timeout = params_given(METHOD_POLL, params, offsetof(struct params, timeout_ms));

    if (loop->delivery != DELIVERY_POLL)
        answer_fault(call, FAULT_WRONG_DELIVERY, "this loop pushes its events; open it with poll delivery");
    else if (loop->polling)
        answer_fault(call, FAULT_POLL_PENDING, "a poll waits in this loop already");
    else if (!call->id.data) /* nobody is there to be told */
        answer_empty(call);
    else if (polling_begin(server, call, loop, has_timeout ? &params->timeout_ms : NULL, params->max) < 0)
        answer_out_of_memory(call);
}

void handle_close_loop(struct server *server, struct call *call, const struct params *params)
{
    struct fault fault;

    (void)params;
    fault_set(&fault, FAULT_LOOP_CLOSED, "the loop was closed");
    membership_close(server, call->session->loop, &fault);
    answer_empty(call);
}

/* ---- list ------------------------------------------------------------------------------------------------------- */

static bool list_add(struct buffer *out, const struct stream *stream, size_t begun_at, size_t budget)
{
    char local[ADDRESS_TEXT_MAX], peer[ADDRESS_TEXT_MAX];
    struct reply_registration registration = {
        .token = stream->token,
        .state = stream_state(stream),
        .interests = stream->interests,
        .mode = stream->mode,
        .pending = stream->pending,
        .address = {stream->target_length ? stream->target : NULL, stream->target_length},
    };

    stream_addresses(stream, local, peer);
    registration.local = local[0] ? local : NULL;
    registration.peer = peer[0] ? peer : NULL;
    return reply_list_add(out, &registration, begun_at, budget);
}

void handle_list(struct server *server, struct call *call, const struct params *params)
{
    bool has_after = params_given(METHOD_LIST, params, offsetof(struct params, after));
    struct loop *loop = call->session->loop;
    struct stream *stream = loop_next(loop, has_after ? &params->after : NULL);
    size_t budget = call_budget(call);
    struct buffer *out = call_begin(call);
    uint64_t last = 0;

    (void)server;
    reply_list_begin(out, call->id, loop_name(loop));
    for (uint64_t count = 0; stream && count < params->limit; count++) {
        if (!list_add(out, stream, call->begun_at, budget))
            break;
        last = stream->token;
        stream = loop_next(loop, &last);
    }
    reply_list_end(out, stream ? &last : NULL);
    call_end(call);
}

/* ---- loops ------------------------------------------------------------------------------------------------------ */

static bool loops_add(struct buffer *out, const struct loop *loop, size_t begun_at, size_t budget)
{
    struct reply_loop reply = {
        .name = loop->name,
        .uid = (uint32_t)loop->account->uid,
        .registrations = loop->count,
        .pending = loop->ready_count,
        .linger_ms = loop->linger_ms,
        .attached = loop->session != NULL,
        .durable = durable_is_kept(loop->loops->durable, loop),
    };

    return reply_loops_add(out, &reply, begun_at, budget);
}

/* The next loop that this user may see. */
static struct loop *visible(struct loop *loop, uid_t uid)
{
    while (loop && uid != 0 && loop->account->uid != uid)
        loop = loops_next(loop);
    return loop;
}

/* A page never ends between two users' loops of one name, as a name is where the next one begins. */
void handle_loops(struct server *server, struct call *call, const struct params *params)
{
    uid_t uid = call->session->account->uid;
    struct loop *loop = visible(loops_after(&server->loops, params->after_name.data), uid);
    size_t budget = call_budget(call);
    struct buffer *out = call_begin(call);
    const char *last = NULL;

    reply_loops_begin(out, call->id);
    for (uint64_t count = 0; loop; count++) {
        bool same_name = last && !strcmp(last, loop->name);
        if ((count >= params->limit && !same_name) || !loops_add(out, loop, call->begun_at, budget))
            break;
        last = loop->name;
        loop = visible(loops_next(loop), uid);
    }
    reply_loops_end(out, loop ? last : NULL);
    call_end(call);
}
