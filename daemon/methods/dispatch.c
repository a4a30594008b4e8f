/* SPDX-License-Identifier: MIT */
#include "daemon/methods/dispatch.h"

#include "daemon/base/probe.h"
#include "daemon/methods/handlers.h"
#include "daemon/sessions/answer.h"
#include "daemon/sessions/trace.h"

/*
 * Maximal cost of a method's handler, in system calls and bytes; the unit is a ping, about 1 µs. Work that grows with
 * the size of a loop runs in pieces, and is not included.
 */
static const uint8_t costs[METHOD_COUNT] = {
    [METHOD_HELLO] = 2,      [METHOD_PING] = 1,       [METHOD_OPEN_LOOP] = 8, [METHOD_REGISTER] = 8,
    [METHOD_REREGISTER] = 1, [METHOD_DEREGISTER] = 3, [METHOD_TAKE] = 4,      [METHOD_READ] = 4,
    [METHOD_WRITE] = 4,      [METHOD_SHUTDOWN] = 2,   [METHOD_POLL] = 2,      [METHOD_CLOSE_LOOP] = 4,
    [METHOD_LIST] = 32,      [METHOD_LOOPS] = 16,     [METHOD_STATS] = 4,     [METHOD_DISCOVER] = 16,
};

/* Methods that only answer: as a notification, a no-op. */
static const bool only_answers[METHOD_COUNT] = {
    [METHOD_HELLO] = true, [METHOD_PING] = true,  [METHOD_LIST] = true,
    [METHOD_LOOPS] = true, [METHOD_STATS] = true, [METHOD_DISCOVER] = true,
};

void handle_request(struct context *context, struct call *call, const struct request *request)
{
    static handler *const handlers[METHOD_COUNT] = {
        [METHOD_HELLO] = handle_hello,
        [METHOD_PING] = handle_ping,
        [METHOD_OPEN_LOOP] = handle_open_loop,
        [METHOD_REGISTER] = handle_register,
        [METHOD_REREGISTER] = handle_reregister,
        [METHOD_DEREGISTER] = handle_deregister,
        [METHOD_TAKE] = handle_take,
        [METHOD_READ] = handle_read,
        [METHOD_WRITE] = handle_write,
        [METHOD_SHUTDOWN] = handle_shutdown,
        [METHOD_POLL] = handle_poll,
        [METHOD_CLOSE_LOOP] = handle_close_loop,
        [METHOD_LIST] = handle_list,
        [METHOD_LOOPS] = handle_loops,
        [METHOD_STATS] = handle_stats,
        [METHOD_DISCOVER] = handle_discover,
    };

    PROBE2(dispatch, call->session->number, request->method);
    if (log_is_debug())
        trace_request(call, request);
    if (only_answers[request->method] && !call->id.data) {
        context->turn.units++;
        answer_empty(call);
        return;
    }
    context->turn.units += costs[request->method];
    if (method_table[request->method].needs_loop && !call->session->loop) {
        if (request->method == METHOD_REGISTER && request->params.fd)
            conn_discard_fd(&call->session->conn);
        answer_fault(call, FAULT_LOOP_CLOSED, "this session's loop was closed; open_loop opens another");
    } else {
        handlers[request->method](context, call, &request->params);
    }
}
