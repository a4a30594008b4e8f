/* SPDX-License-Identifier: MIT */
#include "daemon/methods/find_stream.h"

#include "daemon/loops/stream.h"
#include "daemon/sessions/session.h"

#include <string.h>

struct stream *find_stream(struct call *call, uint64_t token)
{
    struct stream *stream = loop_find(session_loop(call->session), token);
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

bool find_is_leased(struct call *call, const struct stream *stream)
{
    struct fault fault;

    if (!stream->holder || stream->holder == &call->session->member)
        return false;
    fault_set(&fault, FAULT_LEASED, "token %llu is leased to another worker; wait until the worker reregisters it",
              (unsigned long long)stream->token);
    call_fault(call, &fault);
    return true;
}

struct stream *find_free_stream(struct call *call, uint64_t token)
{
    struct stream *stream = find_open_stream(call, token);

    return stream && find_is_leased(call, stream) ? NULL : stream;
}

struct stream *find_data_stream(struct call *call, uint64_t token)
{
    struct stream *stream = find_free_stream(call, token);
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
