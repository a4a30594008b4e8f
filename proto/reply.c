/* SPDX-License-Identifier: MIT */
#include "proto/reply.h"
#include "proto/base64.h"
#include "proto/json_write.h"

#include <string.h>

#define PUT(out, text) buffer_append(out, text, sizeof(text) - 1)

/* ---- Pieces ----------------------------------------------------------------------------------------------------- */

/* `"name":`, with a comma before it unless it is the first. The names are our own and need no escapes. */
static void put_name(struct buffer *out, const char *name, bool first)
{
    buffer_append_text(out, first ? "\"" : ",\"");
    buffer_append_text(out, name);
    PUT(out, "\":");
}

static void put_number(struct buffer *out, const char *name, uint64_t value)
{
    put_name(out, name, false);
    json_write_unsigned(out, value);
}

static void put_boolean(struct buffer *out, const char *name, bool value)
{
    put_name(out, name, false);
    if (value)
        PUT(out, "true");
    else
        PUT(out, "false");
}

static void put_text(struct buffer *out, const char *name, const char *text)
{
    put_name(out, name, false);
    json_write_text(out, text);
}

/* A member that is there only if it has a text. */
static void put_text_if(struct buffer *out, const char *name, const char *text)
{
    if (text && *text)
        put_text(out, name, text);
}

static void put_text_or_null(struct buffer *out, const char *text)
{
    if (text)
        json_write_text(out, text);
    else
        PUT(out, "null");
}

/* Up to and with `"id":`. */
static void put_head(struct buffer *out, struct span id)
{
    PUT(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (id.data)
        buffer_append(out, id.data, id.length);
    else
        PUT(out, "null");
}

/* The flags that are set, as `"readable":true` members behind each other. */
static void put_flags(struct buffer *out, uint8_t readiness, bool first)
{
    for (int i = 0; readiness_names[i]; i++) {
        if (!(readiness >> i & 1))
            continue;
        put_name(out, readiness_names[i], first);
        PUT(out, "true");
        first = false;
    }
}

static void put_limits(struct buffer *out, const struct limits *limits)
{
    PUT(out, ",\"limits\":{");
    for (size_t i = 0; i < limit_count; i++) {
        put_name(out, limit_table[i].name, i == 0);
        json_write_unsigned(out, limits_get(limits, &limit_table[i]));
    }
    PUT(out, "}");
}

/* What this daemon has beyond the first version of the protocol: a client may ask before it relies on it. */
static const char *const features[] = {"keep", "closed"};

static void put_features(struct buffer *out)
{
    PUT(out, ",\"features\":[");
    for (size_t i = 0; i < sizeof(features) / sizeof(*features); i++) {
        if (i)
            PUT(out, ",");
        json_write_text(out, features[i]);
    }
    PUT(out, "]");
}

/* ---- Replies ---------------------------------------------------------------------------------------------------- */

void reply_empty(struct buffer *out, struct span id)
{
    put_head(out, id);
    PUT(out, ",\"result\":{}}");
}

static void put_error_data(struct buffer *out, const struct fault *fault)
{
    PUT(out, ",\"data\":{\"name\":");
    json_write_text(out, fault_text(fault->name));
    if (fault->offset >= 0)
        put_number(out, "offset", (uint64_t)fault->offset);
    if (fault->limit) {
        put_text(out, "limit", fault->limit);
        put_number(out, "max", fault->max);
    }
    if (fault->name == FAULT_INVALID_PARAMS)
        put_text(out, "param", fault->param);
    put_text_if(out, "errno", fault->error ? errno_name(fault->error) : NULL);
    put_text_if(out, "address", fault->address);
    put_text_if(out, "reason", fault->reason);
    put_text_if(out, "rule", fault->rule);
    PUT(out, "}");
}

void reply_error(struct buffer *out, struct span id, const struct fault *fault)
{
    put_head(out, id);
    PUT(out, ",\"error\":{\"code\":");
    json_write_signed(out, fault_code(fault->name));
    put_text(out, "message", fault->message);
    put_error_data(out, fault);
    PUT(out, "}}");
}

void reply_hello(struct buffer *out, struct span id, const struct limits *limits)
{
    put_head(out, id);
    PUT(out, ",\"result\":{\"server\":\"minimiod\",\"version\":\"" MINIMIO_VERSION "\",\"protocol\":1");
    put_limits(out, limits);
    put_features(out);
    PUT(out, "}}");
}

void reply_registered(struct buffer *out, struct span id, uint64_t token, const char *local, const char *peer)
{
    put_head(out, id);
    PUT(out, ",\"result\":{\"token\":");
    json_write_unsigned(out, token);
    put_text_if(out, "local", local);
    put_text_if(out, "peer", peer);
    PUT(out, "}}");
}

void reply_opened(struct buffer *out, struct span id, const char *name, bool created, enum delivery delivery,
                  uint64_t registrations)
{
    put_head(out, id);
    PUT(out, ",\"result\":{\"loop\":");
    put_text_or_null(out, name);
    put_boolean(out, "created", created);
    put_text(out, "delivery", delivery_names[delivery]);
    put_number(out, "registrations", registrations);
    PUT(out, "}}");
}

void reply_taken(struct buffer *out, struct span id, uint64_t token)
{
    put_head(out, id);
    PUT(out, ",\"result\":{\"token\":");
    json_write_unsigned(out, token);
    PUT(out, ",\"fd\":true}}");
}

void reply_written(struct buffer *out, struct span id, uint64_t bytes)
{
    put_head(out, id);
    PUT(out, ",\"result\":{\"bytes\":");
    json_write_unsigned(out, bytes);
    PUT(out, "}}");
}

/* ---- What was read ---------------------------------------------------------------------------------------------- */

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
    PUT(out, "\"");
    base64_encode(out, bytes.data, bytes.length);
    PUT(out, "\"");
}

void reply_read(struct buffer *out, struct span id, struct span bytes, enum encoding encoding, struct reply_end end,
                size_t budget)
{
    size_t length = 0;
    bool text =
        encoding == ENCODING_TEXT && json_is_text(bytes, &length) && length + READ_LONGEST + id.length <= budget;

    put_head(out, id);
    PUT(out, READ_OPENING);
    if (text)
        json_write_span(out, bytes);
    else
        put_base64(out, bytes);
    put_text(out, "encoding", text ? "utf8" : "base64");
    put_number(out, "bytes", bytes.length);
    put_boolean(out, "eof", end.eof);
    if (end.eof && end.error)
        put_text(out, "errno", errno_name(end.error));
    PUT(out, "}}");
}

/* ---- Counters --------------------------------------------------------------------------------------------------- */

static void put_errors(struct buffer *out, const uint64_t *errors)
{
    PUT(out, ",\"errors\":{");
    for (int i = 0; i < FAULT_COUNT; i++) {
        put_name(out, fault_text((enum fault_name)i), i == 0);
        json_write_unsigned(out, errors[i]);
    }
    PUT(out, "}");
}

static void put_slow_turns(struct buffer *out, const uint64_t *slow_turns)
{
    static const char *const causes[SLOW_CAUSE_COUNT] = {[SLOW_GATHERING] = "gathering",
                                                         [SLOW_DISPATCH] = "dispatch",
                                                         [SLOW_DELIVERY] = "delivery",
                                                         [SLOW_SENDING] = "sending"};

    PUT(out, ",\"slow_turns\":{");
    for (int i = 0; i < SLOW_CAUSE_COUNT; i++) {
        put_name(out, causes[i], i == 0);
        json_write_unsigned(out, slow_turns[i]);
    }
    PUT(out, "}");
}

const uint32_t turn_bounds_us[TURN_BOUNDS] = {100, 300, 1000, 3000, 10000, 30000};

static void put_turns(struct buffer *out, const struct reply_turns *turns)
{
    uint64_t count = 0;

    for (int i = 0; i <= TURN_BOUNDS; i++)
        count += turns->counts[i];
    put_number(out, "turns", count);
    PUT(out, ",\"turn_us\":{");
    for (int i = 0; i < TURN_BOUNDS; i++) {
        PUT(out, "\"below_");
        json_write_unsigned(out, turn_bounds_us[i]);
        PUT(out, "\":");
        json_write_unsigned(out, turns->counts[i]);
        PUT(out, ",");
    }
    PUT(out, "\"above\":");
    json_write_unsigned(out, turns->counts[TURN_BOUNDS]);
    put_number(out, "longest", turns->longest_us);
    put_number(out, "sum", turns->sum_us);
    PUT(out, "}");
}

void reply_stats(struct buffer *out, struct span id, const struct reply_stats *stats, const struct limits *limits)
{
    put_head(out, id);
    PUT(out, ",\"result\":{\"uptime_ms\":");
    json_write_unsigned(out, stats->uptime_ms);
    put_number(out, "sessions", stats->sessions);
    put_number(out, "loops", stats->loops);
    put_number(out, "registrations", stats->registrations);
    put_number(out, "requests", stats->requests);
    put_number(out, "replies", stats->replies);
    put_number(out, "events", stats->events);
    put_number(out, "bytes_in", stats->bytes_in);
    put_number(out, "bytes_out", stats->bytes_out);
    put_errors(out, stats->errors);
    put_slow_turns(out, stats->slow_turns);
    put_turns(out, &stats->turns);
    put_limits(out, limits);
    PUT(out, "}}");
}

/* ---- What grows until it is full -------------------------------------------------------------------------------- */

static void put_comma_unless_first(struct buffer *out)
{
    if (out->length && buffer_bytes(out)[out->length - 1] != '[')
        PUT(out, ",");
}

/* Takes an entry back that leaves no room for what closes the text. A failed buffer is left for its owner to see. */
static bool keep_if_fits(struct buffer *out, size_t before, size_t closing, size_t begun_at, size_t budget)
{
    if (buffer_failed(out))
        return false;
    if (out->length - begun_at + closing <= budget)
        return true;
    buffer_truncate(out, before);
    return false;
}

/* The longest `next` is a loop's name. */
#define LIST_CLOSING         "],\"next\":"
#define LIST_CLOSING_LONGEST (sizeof(LIST_CLOSING "\"\"}}") - 1 + NAME_MAX_BYTES)

void reply_list_begin(struct buffer *out, struct span id, const char *loop)
{
    put_head(out, id);
    PUT(out, ",\"result\":{\"loop\":");
    put_text_or_null(out, loop);
    PUT(out, ",\"registrations\":[");
}

static void put_interests(struct buffer *out, uint8_t interests)
{
    bool first = true;

    PUT(out, ",\"interests\":[");
    for (int i = 0; interest_names[i]; i++) {
        if (!(interests >> i & 1))
            continue;
        buffer_append_text(out, first ? "\"" : ",\"");
        buffer_append_text(out, interest_names[i]);
        PUT(out, "\"");
        first = false;
    }
    PUT(out, "]");
}

static void put_registration(struct buffer *out, const struct reply_registration *registration)
{
    PUT(out, "{\"token\":");
    json_write_unsigned(out, registration->token);
    put_text(out, "state", registration->state);
    put_interests(out, registration->interests);
    put_text(out, "mode", mode_names[registration->mode]);
    if (registration->address.data) {
        put_name(out, "address", false);
        json_write_span(out, registration->address);
    }
    put_text_if(out, "local", registration->local);
    put_text_if(out, "peer", registration->peer);
    PUT(out, ",\"pending\":{");
    put_flags(out, registration->pending, true);
    PUT(out, "}}");
}

bool reply_list_add(struct buffer *out, const struct reply_registration *registration, size_t begun_at, size_t budget)
{
    size_t before = out->length;

    put_comma_unless_first(out);
    put_registration(out, registration);
    return keep_if_fits(out, before, LIST_CLOSING_LONGEST, begun_at, budget);
}

void reply_list_end(struct buffer *out, const uint64_t *next)
{
    PUT(out, LIST_CLOSING);
    if (next)
        json_write_unsigned(out, *next);
    else
        PUT(out, "null");
    PUT(out, "}}");
}

void reply_loops_begin(struct buffer *out, struct span id)
{
    put_head(out, id);
    PUT(out, ",\"result\":{\"loops\":[");
}

bool reply_loops_add(struct buffer *out, const struct reply_loop *loop, size_t begun_at, size_t budget)
{
    size_t before = out->length;

    put_comma_unless_first(out);
    PUT(out, "{\"name\":");
    json_write_text(out, loop->name);
    put_number(out, "uid", loop->uid);
    put_number(out, "registrations", loop->registrations);
    put_number(out, "pending", loop->pending);
    put_boolean(out, "attached", loop->attached);
    put_number(out, "linger_ms", loop->linger_ms);
    put_boolean(out, "durable", loop->durable);
    PUT(out, "}");
    return keep_if_fits(out, before, LIST_CLOSING_LONGEST, begun_at, budget);
}

void reply_loops_end(struct buffer *out, const char *next)
{
    PUT(out, LIST_CLOSING);
    put_text_or_null(out, next);
    PUT(out, "}}");
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

#define EVENTS_CLOSING "]}}"

void reply_ready_begin(struct buffer *out)
{
    PUT(out, "{\"jsonrpc\":\"2.0\",\"method\":\"ready\",\"params\":{\"events\":[");
}

void reply_events_begin(struct buffer *out, struct span id)
{
    put_head(out, id);
    PUT(out, ",\"result\":{\"events\":[");
}

#define EVENT_OPENING ",{\"token\":"
#define EVENT_CLOSING "}"

/* What follows a token in an event: the flags that are set, in the order of their bits. */
struct flags_text {
    uint8_t length;
    char text[95];
};

#define READABLE_0     ""
#define READABLE_1     ",\"readable\":true"
#define WRITABLE_0     ""
#define WRITABLE_1     ",\"writable\":true"
#define READ_CLOSED_0  ""
#define READ_CLOSED_1  ",\"read_closed\":true"
#define WRITE_CLOSED_0 ""
#define WRITE_CLOSED_1 ",\"write_closed\":true"
#define ERROR_0        ""
#define ERROR_1        ",\"error\":true"

#define FLAGS(e, wc, rc, w, r)                                                                                         \
    {                                                                                                                  \
        sizeof(READABLE_##r WRITABLE_##w READ_CLOSED_##rc WRITE_CLOSED_##wc ERROR_##e EVENT_CLOSING) - 1,              \
            READABLE_##r WRITABLE_##w READ_CLOSED_##rc WRITE_CLOSED_##wc ERROR_##e EVENT_CLOSING                       \
    }
#define FLAGS_2(e, wc, rc, w) FLAGS(e, wc, rc, w, 0), FLAGS(e, wc, rc, w, 1)
#define FLAGS_4(e, wc, rc)    FLAGS_2(e, wc, rc, 0), FLAGS_2(e, wc, rc, 1)
#define FLAGS_8(e, wc)        FLAGS_4(e, wc, 0), FLAGS_4(e, wc, 1)
#define FLAGS_16(e)           FLAGS_8(e, 0), FLAGS_8(e, 1)

static const struct flags_text flags_texts[] = {FLAGS_16(0), FLAGS_16(1)}; /* by READY_ bits */

/* Hot path: the text of the flags is precomputed, and the event is appended in one call. */
bool reply_events_add(struct buffer *out, uint64_t token, uint8_t readiness, size_t begun_at, size_t budget)
{
    const struct flags_text *flags = &flags_texts[readiness & (sizeof(flags_texts) / sizeof(*flags_texts) - 1)];
    char text[sizeof(EVENT_OPENING) + JSON_DIGITS_MAX + sizeof(flags->text)];
    size_t before = out->length, length = sizeof(EVENT_OPENING) - 1;
    bool first = !before || buffer_bytes(out)[before - 1] == '[';

    memcpy(text, EVENT_OPENING, sizeof(EVENT_OPENING) - 1);
    length += json_format_unsigned(token, text + length);
    memcpy(text + length, flags->text, sizeof(flags->text)); /* whole: its size is known to the compiler */
    length += flags->length;
    buffer_append(out, text + first, length - first);
    return keep_if_fits(out, before, sizeof(EVENTS_CLOSING) - 1, begun_at, budget);
}

void reply_events_end(struct buffer *out)
{
    PUT(out, EVENTS_CLOSING);
}

/* ---- Notifications ---------------------------------------------------------------------------------------------- */

static void notify(struct buffer *out, const char *method, const char *loop, const char *reason)
{
    PUT(out, "{\"jsonrpc\":\"2.0\",\"method\":");
    json_write_text(out, method);
    PUT(out, ",\"params\":{\"loop\":");
    put_text_or_null(out, loop);
    put_text(out, "reason", reason);
    PUT(out, "}}");
}

void notify_loop_detached(struct buffer *out, const char *loop, const char *reason)
{
    notify(out, "loop_detached", loop, reason);
}

void notify_loop_closed(struct buffer *out, const char *loop, const char *reason)
{
    notify(out, "loop_closed", loop, reason);
}
