/* SPDX-License-Identifier: MIT */
/*
 * The tables of methods and their parameters, with names, ranges and defaults.
 */
#include "proto/methods.h"

#include <errno.h>
#include <string.h>

#define AT(member)   offsetof(struct params, member)
#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NAMED(text)  .name = (text), .name_length = sizeof(text) - 1

const char *const mode_names[] = {"oneshot", "edge", "level", NULL};
const char *const delivery_names[] = {"push", "poll", NULL};
const char *const role_names[] = {"owner", "guest", "worker", NULL};
const char *const interest_names[] = {"readable", "writable", NULL};
const char *const readiness_names[] = {
    "readable", "writable", "read_closed", "write_closed", "error", "redelivered", NULL,
};

static const char *const read_encodings[] = {"auto", "base64", NULL};
static const char *const write_encodings[] = {"utf8", "base64", NULL};
static const char *const direction_names[] = {"read", "write", "both", NULL};

#define INTEGER(member, from, to, otherwise, about)                                                                    \
    {                                                                                                                  \
        NAMED(#member), .type = PARAM_INTEGER, .offset = AT(member), .min = (from), .max = (to),                       \
                        .default_value = (otherwise), .summary = (about)                                               \
    }
#define BOOLEAN(member, otherwise, about)                                                                              \
    {                                                                                                                  \
        NAMED(#member), .type = PARAM_BOOLEAN, .offset = AT(member), .default_value = (otherwise), .summary = (about)  \
    }
#define CHOICE(member, names, otherwise, about)                                                                        \
    {                                                                                                                  \
        NAMED(#member), .type = PARAM_CHOICE, .offset = AT(member), .default_value = (otherwise), .choices = (names),  \
                        .summary = (about)                                                                             \
    }
#define NAME(called, member, about)                                                                                    \
    {                                                                                                                  \
        NAMED(called), .type = PARAM_NAME, .offset = AT(member), .min = 1, .max = NAME_MAX_BYTES, .summary = (about)   \
    }
#define TOKEN                                                                                                          \
    {                                                                                                                  \
        NAMED("token"), .type = PARAM_INTEGER, .required = true, .offset = AT(token), .max = INTEGER_MAX,              \
                        .summary = "your own number for the stream, unique in the loop"                                \
    }
#define LIMIT INTEGER(limit, 1, LIST_ENTRIES, LIST_ENTRIES, "how many at most")

static const struct param_info open_loop_params[] = {
    NAME("name", name, "a loop that outlives its sessions; absent: an anonymous one"),
    CHOICE(delivery, delivery_names, DELIVERY_PUSH, "\"push\" sends events, \"poll\" keeps them until you ask"),
    BOOLEAN(takeover, false, "take the loop from another session that is in it"),
    INTEGER(linger_ms, 0, INTEGER_MAX, LINGER_MS, "how long a named loop outlives its last session"),
    CHOICE(role, role_names, ROLE_OWNER,
           "\"owner\" gets the loop's events, \"worker\" shares them with other workers, \"guest\" gets none"),
    INTEGER(prefetch, 1, PREFETCH_MAX, 1, "how many tokens a worker may have leased at once"),
    INTEGER(wait_ms, 0, INTEGER_MAX, 0, "how long to wait while the loop is busy"),
    BOOLEAN(create, true, "create the loop if absent; false: LOOP_UNKNOWN"),
};

static const struct param_info register_params[] = {
    TOKEN,
    {NAMED("address"), .type = PARAM_TEXT, .offset = AT(address), .min = 1, .max = 300,
     .summary = "connect to \"host:port\" or \"[v6]:port\""},
    BOOLEAN(fd, false, "or take over the oldest descriptor sent and not yet claimed"),
    {NAMED("interests"), .type = PARAM_INTERESTS, .offset = AT(interests), .default_value = READY_READABLE,
     .choices = interest_names, .summary = "what to wait for: \"readable\", \"writable\"; empty: the end alone"},
    CHOICE(mode, mode_names, MODE_ONESHOT,
           "\"oneshot\" is silent after an event until reregister, \"edge\" tells every arrival, \"level\" (poll "
           "delivery alone) every poll"),
    INTEGER(timeout_ms, 0, INTEGER_MAX, CONNECT_MS, "how long resolving and connecting may take; 0: no limit"),
    BOOLEAN(nodelay, true, "send small segments at once (TCP_NODELAY)"),
    BOOLEAN(keepalive, true, "let the system notice a peer that is gone (SO_KEEPALIVE)"),
    BOOLEAN(ensure, false, "reply with the registration if the token has this address already and is alive"),
};

static const struct param_info reregister_params[] = {
    TOKEN,
    {NAMED("interests"), .type = PARAM_INTERESTS, .unchanged_if_absent = true, .default_value = PARAM_UNCHANGED,
     .offset = AT(interests), .choices = interest_names, .summary = "what to wait for from now on; absent: as before"},
    {NAMED("mode"), .type = PARAM_CHOICE, .unchanged_if_absent = true, .default_value = PARAM_UNCHANGED,
     .offset = AT(mode), .choices = mode_names, .summary = "how events come from now on; absent: as before"},
};

static const struct param_info token_params[] = {TOKEN};

static const struct param_info take_params[] = {
    TOKEN,
    BOOLEAN(keep, false, "give a duplicate and keep the token registered, without interests"),
};

static const struct param_info read_params[] = {
    TOKEN,
    INTEGER(max, 1, READ_MAX_BYTES, READ_BYTES, "how many bytes at most"),
    CHOICE(encoding, read_encodings, ENCODING_TEXT, "\"auto\" gives text where the bytes are such, else base64"),
    BOOLEAN(peek, false, "leave the bytes where they are"),
};

/* message_bytes limits the length of `data`. */
static const struct param_info write_params[] = {
    TOKEN,
    {NAMED("data"), .type = PARAM_TEXT, .required = true, .offset = AT(data), .max = UINT32_MAX,
     .summary = "what to write, in the encoding that follows"},
    CHOICE(encoding, write_encodings, ENCODING_TEXT, "what `data` is: the text itself, or base64 of the bytes"),
};

static const struct param_info shutdown_params[] = {
    TOKEN,
    {NAMED("how"), .type = PARAM_CHOICE, .required = true, .offset = AT(how), .choices = direction_names,
     .summary = "which direction to end: \"read\", \"write\" or \"both\""},
};

static const struct param_info poll_params[] = {
    INTEGER(timeout_ms, 0, INTEGER_MAX, 0, "how long to wait for an event; absent: no limit"),
    INTEGER(max, 1, POLL_EVENTS, POLL_EVENTS, "how many events at most"),
};

static const struct param_info list_params[] = {
    INTEGER(after, 0, INTEGER_MAX, 0, "begin behind this token; pass what `next` said"),
    LIMIT,
};

static const struct param_info loops_params[] = {
    NAME("after", after_name, "begin behind this name; pass what `next` said"),
    LIMIT,
};

static const struct param_info cancel_params[] = {
    {NAMED("id"), .type = PARAM_ID, .required = true, .offset = AT(id), .summary = "the id of the waiting request"},
};

/* The macros of method_rows.h. PARAMS and NO_PARAMS set two members: the parameters and their count. */
#define NEEDS_LOOP    true
#define ANYWHERE      false
#define ONLY_ANSWERS  true
#define ACTS          false
#define PARAMS(array) (array), COUNT(array)
#define NO_PARAMS     NULL, 0

#define METHOD_INFO(symbol, function, called, loop, effect, units, parameters, about, result)                          \
    [METHOD_##symbol] = {called, sizeof called - 1, loop, effect, units, parameters, about},

const struct method_info method_table[METHOD_COUNT] = {METHOD_ROWS(METHOD_INFO)};

int method_find(struct span name)
{
    for (int i = 0; i < METHOD_COUNT; i++) {
        const struct method_info *known = &method_table[i];

        if (known->name_length == name.length && memcmp(known->name, name.data, name.length) == 0)
            return i;
    }
    return -ENOENT;
}

static void params_set_default(const struct param_info *info, struct params *params)
{
    void *at = (char *)params + info->offset;

    switch (info->type) {
    case PARAM_INTEGER:
        *(uint64_t *)at = info->default_value;
        break;
    case PARAM_BOOLEAN:
        *(bool *)at = info->default_value;
        break;
    case PARAM_TEXT:
    case PARAM_NAME:
    case PARAM_ID:
        *(struct span *)at = (struct span){0};
        break;
    case PARAM_CHOICE:
    case PARAM_INTERESTS:
        *(uint8_t *)at = (uint8_t)info->default_value;
        break;
    }
}

void params_set_defaults(enum method method, struct params *ret_params)
{
    const struct method_info *info = &method_table[method];

    for (size_t i = 0; i < info->param_count; i++)
        params_set_default(&info->params[i], ret_params);
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
