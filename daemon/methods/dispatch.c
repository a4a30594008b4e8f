/* SPDX-License-Identifier: MIT */
#include "daemon/methods/dispatch.h"

#include "daemon/base/probe.h"
#include "daemon/methods/handlers.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/trace.h"

#define METHOD_HANDLER(symbol, function, name, loop, effect, cost, params, summary, result)                            \
    [METHOD_##symbol] = handle_##function,

static handler *const handlers[METHOD_COUNT] = {METHOD_ROWS(METHOD_HANDLER)};

void handle_request(struct context *context, struct call *call, const struct request *request)
{
    const struct method_info *method = &method_table[request->method];

    PROBE2(dispatch, call->session->number, request->method);
    if (log_is_debug())
        trace_request(call, request);
    if (method->only_answers && !call->id.data) {
        context->turn.units++;
        answer_empty(call);
        return;
    }
    context->turn.units += method->cost;
    if (method->needs_loop && !session_loop(call->session)) {
        if (request->method == METHOD_REGISTER && request->params.fd)
            conn_discard_fd(&call->session->conn);
        answer_fault(call, FAULT_LOOP_CLOSED, "this session's loop was closed; open_loop opens another");
    } else {
        handlers[request->method](context, call, &request->params);
    }
}
