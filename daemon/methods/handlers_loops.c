/* SPDX-License-Identifier: MIT */
/* The methods on a whole loop: open_loop, poll, close_loop, list, loops. */
#include "daemon/methods/handlers.h"

#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/methods/pending_open.h"
#include "daemon/methods/pending_poll.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <errno.h>
#include <string.h>

/* ---- open_loop -------------------------------------------------------------------------------------------------- */

void handle_open_loop(struct context *context, struct call *call, const struct params *params)
{
    pending_open_begin(context, call, params);
}

/* ---- poll, close_loop ------------------------------------------------------------------------------------------- */

void handle_poll(struct context *context, struct call *call, const struct params *params)
{
    const struct member *member = &call->session->member;
    bool has_timeout = params_given(METHOD_POLL, params, offsetof(struct params, timeout_ms));

    if (!member_is_consumer(member))
        answer_fault(call, FAULT_WRONG_DELIVERY, "a guest gets no events; open the loop as owner or worker");
    else if (member->loop->delivery != DELIVERY_POLL)
        answer_fault(call, FAULT_WRONG_DELIVERY, "this loop pushes its events; open it with poll delivery");
    else if (member->poll)
        answer_fault(call, FAULT_POLL_PENDING, "a poll of this session waits already");
    else if (!call->id.data) /* a notification gets no events */
        answer_empty(call);
    else if (pending_poll_begin(context, call, has_timeout ? &params->timeout_ms : NULL, params->max) < 0)
        answer_out_of_memory(call);
}

void handle_close_loop(struct context *context, struct call *call, const struct params *params)
{
    (void)params;
    attach_close_for(context, call);
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
        .leased = stream->holder != NULL,
        .address = {stream->target_length ? stream->target : NULL, stream->target_length},
    };

    stream_addresses(stream, local, peer);
    registration.local = local[0] ? local : NULL;
    registration.peer = peer[0] ? peer : NULL;
    return reply_list_add(out, &registration, begun_at, budget);
}

void handle_list(struct context *context, struct call *call, const struct params *params)
{
    bool has_after = params_given(METHOD_LIST, params, offsetof(struct params, after));
    struct loop *loop = session_loop(call->session);
    struct stream *stream = loop_next(loop, has_after ? &params->after : NULL);
    size_t budget = call_budget(call);
    struct buffer *out = call_begin(call);
    uint64_t last = 0;

    (void)context;
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
        .attached = loop->owner || loop->worker_count,
        .durable = persist_is_durable(loop),
        .owner = loop->owner != NULL,
        .workers = loop->worker_count,
        .guests = loop->guest_count,
    };

    return reply_loops_add(out, &reply, begun_at, budget);
}

/* The first loop from `loop` on that the user may see. */
static struct loop *next_visible_loop(struct loop *loop, uid_t uid)
{
    while (loop && uid != 0 && loop->account->uid != uid)
        loop = loops_next(loop);
    return loop;
}

/* The next page begins after a name, so a page never ends between loops of two users with the same name. */
void handle_loops(struct context *context, struct call *call, const struct params *params)
{
    uid_t uid = call->session->conn.account->uid;
    struct loop *loop = next_visible_loop(loops_after(&context->loops, params->after_name.data), uid);
    size_t budget = call_budget(call);
    struct buffer *out = call_begin(call);
    const char *last = NULL;

    reply_loops_begin(out, call->id);
    for (uint64_t count = 0; loop; count++) {
        bool same_name = last && !strcmp(last, loop->name);
        if ((count >= params->limit && !same_name) || !loops_add(out, loop, call->begun_at, budget))
            break;
        last = loop->name;
        loop = next_visible_loop(loops_next(loop), uid);
    }
    reply_loops_end(out, loop ? last : NULL);
    call_end(call);
}
