/* SPDX-License-Identifier: MIT */
/*
 * Results, errors and notifications of a fixed form. The file has no state.
 */
#include "proto/reply.h"
#include "proto/base64.h"
#include "proto/json_write.h"
#include "proto/reply_members.h"

/* ---- Replies ---------------------------------------------------------------------------------------------------- */

void reply_empty(struct buffer *out, struct span id)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{}}");
}

static void put_error_data(struct buffer *out, const struct fault *fault)
{
    REPLY_PUT(out, ",\"data\":{\"name\":");
    json_write_text(out, fault_text(fault->name));
    if (fault->offset >= 0)
        reply_put_number(out, "offset", (uint64_t)fault->offset);
    if (fault->limit) {
        reply_put_text(out, "limit", fault->limit);
        reply_put_number(out, "max", fault->max);
    }
    if (fault->name == FAULT_INVALID_PARAMS)
        reply_put_text(out, "param", fault->param);
    reply_put_text_if(out, "errno", fault->error ? errno_name(fault->error) : NULL);
    reply_put_text_if(out, "address", fault->address);
    reply_put_text_if(out, "reason", fault->reason);
    reply_put_text_if(out, "rule", fault->rule);
    if (fault->expired_ms >= 0)
        reply_put_number(out, "expired_ms", (uint64_t)fault->expired_ms);
    REPLY_PUT(out, "}");
}

void reply_error(struct buffer *out, struct span id, const struct fault *fault)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"error\":{\"code\":");
    json_write_signed(out, fault_code(fault->name));
    reply_put_text(out, "message", fault->message);
    put_error_data(out, fault);
    REPLY_PUT(out, "}}");
}

static void put_limits(struct buffer *out, const struct limits *limits)
{
    REPLY_PUT(out, ",\"limits\":{");
    for (size_t i = 0; i < limit_count; i++) {
        reply_put_name(out, limit_table[i].name, i == 0);
        json_write_unsigned(out, limits_get(limits, &limit_table[i]));
    }
    REPLY_PUT(out, "}");
}

/* Extensions since the first version of the protocol. */
static const char *const features[] = {"keep", "roles", "ensure", "cancel", "closed"};

static void put_features(struct buffer *out)
{
    REPLY_PUT(out, ",\"features\":[");
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (i)
            REPLY_PUT(out, ",");
        json_write_text(out, features[i]);
    }
    REPLY_PUT(out, "]");
}

void reply_hello(struct buffer *out, struct span id, const struct limits *limits)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"server\":\"minimiod\",\"version\":\"" MINIMIO_VERSION "\",\"protocol\":1");
    put_limits(out, limits);
    put_features(out);
    REPLY_PUT(out, "}}");
}

void reply_registered(struct buffer *out, struct span id, uint64_t token, const char *local, const char *peer,
                      bool existing)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"token\":");
    json_write_unsigned(out, token);
    reply_put_text_if(out, "local", local);
    reply_put_text_if(out, "peer", peer);
    if (existing)
        reply_put_boolean(out, "existing", true);
    REPLY_PUT(out, "}}");
}

void reply_cancelled(struct buffer *out, struct span id, bool cancelled)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"cancelled\":");
    buffer_append_text(out, cancelled ? "true}}" : "false}}");
}

void reply_opened(struct buffer *out, struct span id, const char *name, bool created, enum delivery delivery,
                  uint64_t registrations)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"loop\":");
    reply_put_text_or_null(out, name);
    reply_put_boolean(out, "created", created);
    reply_put_text(out, "delivery", delivery_names[delivery]);
    reply_put_number(out, "registrations", registrations);
    REPLY_PUT(out, "}}");
}

void reply_taken(struct buffer *out, struct span id, uint64_t token)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"token\":");
    json_write_unsigned(out, token);
    REPLY_PUT(out, ",\"fd\":true}}");
}

void reply_written(struct buffer *out, struct span id, uint64_t bytes)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"bytes\":");
    json_write_unsigned(out, bytes);
    REPLY_PUT(out, "}}");
}

/* ---- Results of read ----------------------------------------------------------------------------------------------
 */

#define READ_OPENING ",\"result\":{\"data\":"
#define READ_LONGEST                                                                                                   \
    (sizeof("{\"jsonrpc\":\"2.0\",\"id\":null" READ_OPENING                                                            \
            "\"\",\"encoding\":\"base64\",\"bytes\":32768,\"eof\":false,\"errno\":\"EPROTONOSUPPORT\"}}"))

size_t reply_read_room(struct span id, size_t budget)
{
    size_t around = READ_LONGEST + id.length;

    return budget > around ? base64_bytes_within(budget - around) : 0;
}

static void put_base64(struct buffer *out, struct span bytes)
{
    REPLY_PUT(out, "\"");
    base64_encode(out, bytes.data, bytes.length);
    REPLY_PUT(out, "\"");
}

void reply_read(struct buffer *out, struct span id, struct span bytes, enum encoding encoding, struct reply_end end,
                size_t budget)
{
    size_t length = 0;
    bool text =
        encoding == ENCODING_TEXT && json_is_text(bytes, &length) && length + READ_LONGEST + id.length <= budget;

    reply_put_head(out, id);
    REPLY_PUT(out, READ_OPENING);
    if (text)
        json_write_span(out, bytes);
    else
        put_base64(out, bytes);
    reply_put_text(out, "encoding", text ? "utf8" : "base64");
    reply_put_number(out, "bytes", bytes.length);
    reply_put_boolean(out, "eof", end.eof);
    if (end.eof && end.error)
        reply_put_text(out, "errno", errno_name(end.error));
    REPLY_PUT(out, "}}");
}

/* ---- Counters --------------------------------------------------------------------------------------------------- */

static void put_errors(struct buffer *out, const uint64_t *errors)
{
    REPLY_PUT(out, ",\"errors\":{");
    for (int i = 0; i < FAULT_COUNT; i++) {
        reply_put_name(out, fault_text((enum fault_name)i), i == 0);
        json_write_unsigned(out, errors[i]);
    }
    REPLY_PUT(out, "}");
}

static void put_slow_turns(struct buffer *out, const uint64_t *slow_turns)
{
    static const char *const causes[SLOW_CAUSE_COUNT] = {[SLOW_GATHERING] = "gathering",
                                                         [SLOW_DISPATCH] = "dispatch",
                                                         [SLOW_DELIVERY] = "delivery",
                                                         [SLOW_SENDING] = "sending"};

    REPLY_PUT(out, ",\"slow_turns\":{");
    for (int i = 0; i < SLOW_CAUSE_COUNT; i++) {
        reply_put_name(out, causes[i], i == 0);
        json_write_unsigned(out, slow_turns[i]);
    }
    REPLY_PUT(out, "}");
}

const uint32_t turn_bounds_us[TURN_BOUNDS] = {100, 300, 1000, 3000, 10000, 30000};

static void put_turns(struct buffer *out, const struct reply_turns *turns)
{
    uint64_t count = 0;

    for (int i = 0; i <= TURN_BOUNDS; i++)
        count += turns->counts[i];
    reply_put_number(out, "turns", count);
    REPLY_PUT(out, ",\"turn_us\":{");
    for (int i = 0; i < TURN_BOUNDS; i++) {
        REPLY_PUT(out, "\"below_");
        json_write_unsigned(out, turn_bounds_us[i]);
        REPLY_PUT(out, "\":");
        json_write_unsigned(out, turns->counts[i]);
        REPLY_PUT(out, ",");
    }
    REPLY_PUT(out, "\"above\":");
    json_write_unsigned(out, turns->counts[TURN_BOUNDS]);
    reply_put_number(out, "longest", turns->longest_us);
    reply_put_number(out, "sum", turns->sum_us);
    REPLY_PUT(out, "}");
}

void reply_stats(struct buffer *out, struct span id, const struct reply_stats *stats, const struct limits *limits)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"uptime_ms\":");
    json_write_unsigned(out, stats->uptime_ms);
    reply_put_number(out, "sessions", stats->sessions);
    reply_put_number(out, "loops", stats->loops);
    reply_put_number(out, "registrations", stats->registrations);
    reply_put_number(out, "requests", stats->requests);
    reply_put_number(out, "replies", stats->replies);
    reply_put_number(out, "events", stats->events);
    reply_put_number(out, "leases", stats->leases);
    reply_put_number(out, "redeliveries", stats->redeliveries);
    reply_put_number(out, "waits", stats->waits);
    reply_put_number(out, "bytes_in", stats->bytes_in);
    reply_put_number(out, "bytes_out", stats->bytes_out);
    put_errors(out, stats->errors);
    put_slow_turns(out, stats->slow_turns);
    put_turns(out, &stats->turns);
    put_limits(out, limits);
    REPLY_PUT(out, "}}");
}

/* ---- Notifications ---------------------------------------------------------------------------------------------- */

static void notify(struct buffer *out, const char *method, const char *loop, const char *reason)
{
    REPLY_PUT(out, "{\"jsonrpc\":\"2.0\",\"method\":");
    json_write_text(out, method);
    REPLY_PUT(out, ",\"params\":{\"loop\":");
    reply_put_text_or_null(out, loop);
    reply_put_text(out, "reason", reason);
    REPLY_PUT(out, "}}");
}

void notify_loop_detached(struct buffer *out, const char *loop, const char *reason)
{
    notify(out, "loop_detached", loop, reason);
}

void notify_loop_closed(struct buffer *out, const char *loop, const char *reason)
{
    notify(out, "loop_closed", loop, reason);
}
