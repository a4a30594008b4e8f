/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/answer.h"

#include "proto/reply.h"

void answer_empty(struct call *call)
{
    reply_empty(call_begin(call), call->id);
    call_end(call);
}

void answer_fault(struct call *call, enum fault_name name, const char *message)
{
    struct fault fault;

    fault_set(&fault, name, "%s", message);
    call_fault(call, &fault);
}

void answer_param_fault(struct call *call, const char *param, const char *message)
{
    struct fault fault;

    fault_set_param(&fault, param, "%s", message);
    call_fault(call, &fault);
}

void answer_out_of_memory(struct call *call)
{
    answer_fault(call, FAULT_INTERNAL, "the daemon is out of memory; try again later");
}
