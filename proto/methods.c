/* SPDX-License-Identifier: MIT */
#include "proto/methods.h"

#include <errno.h>
#include <string.h>

#define AT(member)   offsetof(struct params, member)
#define COUNT(array) (sizeof(array) / sizeof(*(array)))

const char *const mode_names[] = {"oneshot", "edge", "level", NULL};
const char *const interest_names[] = {"readable", "writable", NULL};
const char *const readiness_names[] = {"readable", "writable", "read_closed", "write_closed", "error", NULL};

#define TOKEN                                                                                                          \
    {                                                                                                                  \
        .name = "token", .type = PARAM_INTEGER, .required = true, .offset = AT(token), .max = INTEGER_MAX,             \
        .summary = "your own number for the stream, unique in the loop"                                                \
    }
#define INTERESTS(about)                                                                                               \
    {                                                                                                                  \
        .name = "interests", .type = PARAM_INTERESTS, .offset = AT(interests), .fallback = READY_READABLE,             \
        .choices = interest_names, .summary = (about)                                                                  \
    }
#define MODE(about)                                                                                                    \
    {                                                                                                                  \
        .name = "mode", .type = PARAM_CHOICE, .offset = AT(mode), .fallback = MODE_ONESHOT, .choices = mode_names,     \
        .summary = (about)                                                                                             \
    }

static const struct param_info register_params[] = {
    TOKEN,
    {.name = "address",
     .type = PARAM_TEXT,
     .offset = AT(address),
     .min = 1,
     .max = 300,
     .summary = "connect to \"host:port\" or \"[v6]:port\""},
    {.name = "fd",
     .type = PARAM_BOOLEAN,
     .offset = AT(fd),
     .fallback = false,
     .summary = "or take over the oldest descriptor sent and not yet claimed"},
    INTERESTS("what to wait for: \"readable\", \"writable\""),
    MODE("\"oneshot\" is silent after an event until reregister, \"edge\" tells every arrival"),
    {.name = "timeout_ms",
     .type = PARAM_INTEGER,
     .offset = AT(timeout_ms),
     .max = INTEGER_MAX,
     .fallback = 30000,
     .summary = "how long resolving and connecting may take; 0: no limit"},
    {.name = "nodelay",
     .type = PARAM_BOOLEAN,
     .offset = AT(nodelay),
     .fallback = true,
     .summary = "send small segments at once (TCP_NODELAY)"},
    {.name = "keepalive",
     .type = PARAM_BOOLEAN,
     .offset = AT(keepalive),
     .fallback = true,
     .summary = "let the system notice a peer that is gone (SO_KEEPALIVE)"},
};

static const struct param_info reregister_params[] = {
    TOKEN,
    INTERESTS("what to wait for from now on; absent: as before"),
    MODE("how events come from now on; absent: as before"),
};

static const struct param_info deregister_params[] = {TOKEN};

static const struct param_info list_params[] = {
    {.name = "after",
     .type = PARAM_INTEGER,
     .offset = AT(after),
     .max = INTEGER_MAX,
     .summary = "begin behind this token; pass what `next` said"},
    {.name = "limit",
     .type = PARAM_INTEGER,
     .offset = AT(limit),
     .min = 1,
     .max = 100,
     .fallback = 100,
     .summary = "how many at most"},
};

const struct method_info method_table[METHODS] = {
    [METHOD_HELLO] = {.name = "hello", .summary = "which daemon this is, and its limits"},
    [METHOD_PING] = {.name = "ping", .summary = "nothing but a reply"},
    [METHOD_REGISTER] = {.name = "register",
                         .needs_loop = true,
                         .params = register_params,
                         .param_count = COUNT(register_params),
                         .summary = "connect a stream, or take one over, and tell when it is ready"},
    [METHOD_REREGISTER] = {.name = "reregister",
                           .needs_loop = true,
                           .params = reregister_params,
                           .param_count = COUNT(reregister_params),
                           .summary = "arm a token again, with other interests or mode if given"},
    [METHOD_DEREGISTER] = {.name = "deregister",
                           .needs_loop = true,
                           .params = deregister_params,
                           .param_count = COUNT(deregister_params),
                           .summary = "forget a token and close its stream"},
    [METHOD_CLOSE_LOOP] = {.name = "close_loop",
                           .needs_loop = true,
                           .summary = "forget all tokens, close their streams and end the loop"},
    [METHOD_LIST] = {.name = "list",
                     .needs_loop = true,
                     .params = list_params,
                     .param_count = COUNT(list_params),
                     .summary = "the loop's registrations, by ascending token"},
    [METHOD_STATS] = {.name = "stats", .summary = "counters since the daemon's start, and its limits"},
};

int method_find(struct span name)
{
    for (int i = 0; i < METHODS; i++) {
        const char *known = method_table[i].name;

        if (strlen(known) == name.length && memcmp(known, name.data, name.length) == 0)
            return i;
    }
    return -ENOENT;
}

bool params_given(enum method method, const struct params *params, size_t offset)
{
    const struct method_info *info = &method_table[method];

    for (size_t i = 0; i < info->param_count; i++) {
        if (info->params[i].offset == offset)
            return params->given >> i & 1;
    }
    return false;
}
