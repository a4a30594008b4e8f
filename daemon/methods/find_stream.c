/* SPDX-License-Identifier: MIT */
#include "daemon/methods/find_stream.h"

#include "daemon/loops/stream.h"
#include "daemon/sessions/session.h"

#include <string.h>

struct stream *find_stream(struct call *call, uint64_t token)
{
    struct stream *stream = loop_find(call->session->loop, token);
    struct fault fault;

    if (stream)
        return stream;
    fault_set(&fault, FAULT_TOKEN_UNKNOWN, "token %llu is not registered in this loop", (unsigned long long)token);
    call_fault(call, &fault);
    return NULL;
}

struct stream *find_open_stream(struct call *call, uint64_t token)
{
    struct stream *stream = find_stream(call, token);
    struct fault fault;

    if (!stream || !stream->connecting)
        return stream;
    fault_set(&fault, FAULT_NOT_CONNECTED, "token %llu is still connecting; wait for the reply to its register",
              (unsigned long long)token);
    call_fault(call, &fault);
    return NULL;
}

struct stream *find_data_stream(struct call *call, uint64_t token)
{
    struct stream *stream = find_open_stream(call, token);
    struct fault fault;

    if (!stream || !stream->credentials || call->session->conn.account->is_daemons)
        return stream;
    fault_set(
        &fault, FAULT_DENIED,
        "the peer of a Unix or netlink socket sees the daemon's credentials, so only the daemon's own user may use "
        "this method on it; take the descriptor back");
    strcpy(fault.rule, "credentials");
    call_fault(call, &fault);
    return NULL;
}
