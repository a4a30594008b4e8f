/* SPDX-License-Identifier: MIT */
#include "daemon/methods/open_check.h"

#include "daemon/sessions/answer.h"

#include <string.h>

void open_request_init(struct open_request *ret_request, struct session *session, const struct params *params)
{
    *ret_request = (struct open_request){
        .session = session,
        .takeover = params->takeover,
        .may_create = params->create,
        .has_delivery = params_given(METHOD_OPEN_LOOP, params, offsetof(struct params, delivery)),
        .has_linger = params_given(METHOD_OPEN_LOOP, params, offsetof(struct params, linger_ms)),
        .role = params->role,
        .delivery = params->delivery,
        .prefetch = (uint16_t)params->prefetch,
        .linger_ms = params->linger_ms,
        .wait_ms = params->wait_ms,
    };
    if (params->name.data)
        memcpy(ret_request->name, params->name.data, params->name.length);
}

bool open_check_params(struct call *call, const struct params *params)
{
    bool has_prefetch = params_given(METHOD_OPEN_LOOP, params, offsetof(struct params, prefetch));

    if (params->role != ROLE_OWNER && !params->name.data)
        answer_param_fault(call, "name", "guests and workers enter named loops only: give a name");
    else if (has_prefetch && params->role != ROLE_WORKER)
        answer_param_fault(call, "prefetch", "prefetch is for role \"worker\"");
    else if (params->takeover && params->role == ROLE_GUEST)
        answer_param_fault(call, "takeover", "a guest takes no loop over: any number of guests may be in a loop");
    else if (!params->create && !params->name.data)
        answer_param_fault(call, "create", "an anonymous loop is always created: give a name");
    else if (call->session->waiting_open)
        answer_fault(call, FAULT_LOOP_BUSY, "an open_loop of this session waits already; see cancel");
    else
        return true;
    return false;
}

/* ---- Rivals ------------------------------------------------------------------------------------------------------ */

struct session *open_next_rival(const struct open_request *request, const struct loop *loop, struct session *session)
{
    struct member *member = session ? &session->member : NULL;

    if (request->role == ROLE_GUEST || (request->role == ROLE_WORKER && !loop->owner))
        return NULL;
    do
        member = member_next_consumer(loop, member);
    while (member && session_of_member(member) == request->session);
    return member ? session_of_member(member) : NULL;
}

bool open_is_busy(const struct open_request *request, const struct loop *loop, const struct loop_waiter *waiter)
{
    const struct loop_waiter *first = TAILQ_FIRST(&loop->waiters);
    const struct member *self = &request->session->member;
    bool is_inside = self->loop == loop && member_is_consumer(self);

    if (request->takeover || request->role == ROLE_GUEST)
        return false;
    return open_next_rival(request, loop, NULL) || (first && first != waiter && !is_inside);
}

/* ---- The loop -----------------------------------------------------------------------------------------------------
 */

/* False: the call is answered with LIMIT_EXCEEDED. */
static bool check_linger(const struct open_request *request, struct call *call)
{
    uint32_t max = request->session->conn.limits->linger_ms;
    struct fault fault;

    if (!request->has_linger || request->linger_ms <= max)
        return true;
    fault_set_limit(&fault, FAULT_LIMIT_EXCEEDED, "linger_ms", max, "a loop may linger for at most %u ms", max);
    call_fault(call, &fault);
    return false;
}

static bool check_old_loop(const struct open_request *request, struct call *call)
{
    const struct session *session = request->session;
    const struct loop *old = session_loop(session);

    if (!old || session->member.role != ROLE_OWNER || old->count == 0)
        return true;
    answer_fault(call, FAULT_LOOP_OPEN, "this session's loop has registrations; close_loop first, or use another");
    return false;
}

/* Whether a member with this role stays in the loop when the session enters. */
static bool stays(const struct open_request *request, enum role role)
{
    return role == ROLE_GUEST || request->role == ROLE_GUEST || (role == ROLE_WORKER && request->role == ROLE_WORKER);
}

/* Whether another session is in the loop that stays, or is about to enter. */
static bool has_others(const struct open_request *request, const struct loop *loop)
{
    const struct member *self = &request->session->member;
    uint32_t count = loop->guest_count + loop->entrant_count;

    if (stays(request, ROLE_WORKER))
        count += loop->worker_count;
    if (stays(request, ROLE_OWNER))
        count += loop->owner != NULL;
    return count > (self->loop == loop && stays(request, (enum role)self->role));
}

/* False: the call is answered with INVALID_PARAMS, because other sessions rely on the settings of the loop. */
static bool check_settings(const struct open_request *request, struct call *call, const struct loop *loop)
{
    bool others = has_others(request, loop);

    if (request->role == ROLE_WORKER && loop->lasting_count)
        answer_param_fault(
            call, "role", "the loop has registrations in mode edge or level; workers share oneshot registrations only");
    else if (others && request->has_delivery && request->delivery != loop->delivery)
        answer_param_fault(call, "delivery", "other sessions are in the loop, with another delivery");
    else if (others && request->has_linger && request->linger_ms != loop->linger_ms)
        answer_param_fault(call, "linger_ms", "other sessions are in the loop, with another linger_ms");
    else
        return true;
    return false;
}

static void answer_unknown(const struct open_request *request, struct call *call)
{
    struct context *context = request->session->context;
    struct fault fault;

    fault_set(&fault, FAULT_LOOP_UNKNOWN, "there is no loop \"%s\"", request->name);
    fault.expired_ms = expired_find(&context->loops.expired, request->name, request->session->conn.account->uid,
                                    context->turn.reactor.timers.now_ns / NS_PER_MS);
    call_fault(call, &fault);
}

bool open_check(const struct open_request *request, struct call *call, const struct loop *loop, bool is_busy)
{
    if (!check_old_loop(request, call) || !check_linger(request, call))
        return false;
    if (!loop && !request->may_create)
        answer_unknown(request, call);
    else if (is_busy)
        answer_fault(call, FAULT_LOOP_BUSY, "another session is in this loop; see takeover and wait_ms");
    else
        return !loop || check_settings(request, call, loop);
    return false;
}
