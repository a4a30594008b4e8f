/* SPDX-License-Identifier: MIT */
/* The method cancel. */
#include "daemon/methods/handlers.h"

#include "daemon/sessions/context.h"
#include "daemon/sessions/session.h"
#include "proto/reply.h"

#include <string.h>

/* Ids compared at the cost of a ping. */
#define IDS_PER_UNIT 64

/* Whether the call has this id, byte for byte. A notification has no id. */
static bool has_id(const struct pending *pending, struct span id)
{
    const struct call *call = pending->call;

    return call->id.data && call->id.length == id.length && !memcmp(call->id.data, id.data, id.length);
}

/* The older of two waiting calls, as far as `candidate` has the id. */
static struct pending *older(struct pending *found, struct pending *candidate, struct span id)
{
    if (!candidate || !has_id(candidate, id))
        return found;
    return !found || candidate->call->number < found->call->number ? candidate : found;
}

/* The oldest waiting call of the session with this id. NULL: none. */
static struct pending *find_waiting(struct context *context, const struct session *session, struct span id)
{
    struct pending *found = older(older(NULL, session->member.poll, id), session->waiting_open, id), *pending;
    uint64_t count = 0;

    TAILQ_FOREACH(pending, &session->connects, link) {
        found = older(found, pending, id);
        count++;
    }
    context->turn.units += count / IDS_PER_UNIT;
    return found;
}

void handle_cancel(struct context *context, struct call *call, const struct params *params)
{
    struct pending *found = find_waiting(context, call->session, params->id);
    struct fault fault;

    if (found) {
        fault_set(&fault, FAULT_CANCELLED, "cancelled by a request of this session");
        found->cancel(found, &fault);
    }
    reply_cancelled(call_begin(call), call->id, found != NULL);
    call_end(call);
}
