/* SPDX-License-Identifier: MIT */
/*
 * Texts that are filled entry by entry up to a size: registrations, loops and events. The file has no state.
 */
#include "proto/json_write.h"
#include "proto/reply.h"
#include "proto/reply_members.h"

#include <string.h>

static void put_comma_unless_first(struct buffer *out)
{
    if (out->length && buffer_bytes(out)[out->length - 1] != '[')
        REPLY_PUT(out, ",");
}

/* Removes the last entry if the closing text does not fit. After a failed allocation the buffer stays failed. */
static bool keep_if_fits(struct buffer *out, size_t before, size_t closing, size_t begun_at, size_t budget)
{
    if (buffer_failed(out))
        return false;
    if (out->length - begun_at + closing <= budget)
        return true;
    buffer_truncate(out, before);
    return false;
}

/* The longest value of `next` is a loop's name. */
#define LIST_CLOSING         "],\"next\":"
#define LIST_CLOSING_LONGEST (sizeof(LIST_CLOSING "\"\"}}") - 1 + NAME_MAX_BYTES)

/* ---- Lists ---------------------------------------------------------------------------------------------------------
 */

/* Appends the set flags as members: `"readable":true,...`. */
static void put_flags(struct buffer *out, uint8_t readiness, bool first)
{
    for (int i = 0; readiness_names[i]; i++) {
        if (!(readiness >> i & 1))
            continue;
        reply_put_name(out, readiness_names[i], first);
        REPLY_PUT(out, "true");
        first = false;
    }
}

void reply_list_begin(struct buffer *out, struct span id, const char *loop)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"loop\":");
    reply_put_text_or_null(out, loop);
    REPLY_PUT(out, ",\"registrations\":[");
}

static void put_interests(struct buffer *out, uint8_t interests)
{
    bool first = true;

    REPLY_PUT(out, ",\"interests\":[");
    for (int i = 0; interest_names[i]; i++) {
        if (!(interests >> i & 1))
            continue;
        buffer_append_text(out, first ? "\"" : ",\"");
        buffer_append_text(out, interest_names[i]);
        REPLY_PUT(out, "\"");
        first = false;
    }
    REPLY_PUT(out, "]");
}

static void put_registration(struct buffer *out, const struct reply_registration *registration)
{
    REPLY_PUT(out, "{\"token\":");
    json_write_unsigned(out, registration->token);
    reply_put_text(out, "state", registration->state);
    put_interests(out, registration->interests);
    reply_put_text(out, "mode", mode_names[registration->mode]);
    if (registration->address.data) {
        reply_put_name(out, "address", false);
        json_write_span(out, registration->address);
    }
    reply_put_text_if(out, "local", registration->local);
    reply_put_text_if(out, "peer", registration->peer);
    REPLY_PUT(out, ",\"pending\":{");
    put_flags(out, registration->pending, true);
    REPLY_PUT(out, "}");
    if (registration->leased)
        reply_put_boolean(out, "leased", true);
    REPLY_PUT(out, "}");
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
    REPLY_PUT(out, LIST_CLOSING);
    if (next)
        json_write_unsigned(out, *next);
    else
        REPLY_PUT(out, "null");
    REPLY_PUT(out, "}}");
}

void reply_loops_begin(struct buffer *out, struct span id)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"loops\":[");
}

bool reply_loops_add(struct buffer *out, const struct reply_loop *loop, size_t begun_at, size_t budget)
{
    size_t before = out->length;

    put_comma_unless_first(out);
    REPLY_PUT(out, "{\"name\":");
    json_write_text(out, loop->name);
    reply_put_number(out, "uid", loop->uid);
    reply_put_number(out, "registrations", loop->registrations);
    reply_put_number(out, "pending", loop->pending);
    reply_put_boolean(out, "attached", loop->attached);
    reply_put_number(out, "linger_ms", loop->linger_ms);
    reply_put_boolean(out, "durable", loop->durable);
    if (loop->workers || loop->guests) {
        reply_put_boolean(out, "owner", loop->owner);
        reply_put_number(out, "workers", loop->workers);
        reply_put_number(out, "guests", loop->guests);
    }
    REPLY_PUT(out, "}");
    return keep_if_fits(out, before, LIST_CLOSING_LONGEST, begun_at, budget);
}

void reply_loops_end(struct buffer *out, const char *next)
{
    REPLY_PUT(out, LIST_CLOSING);
    reply_put_text_or_null(out, next);
    REPLY_PUT(out, "}}");
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

#define EVENTS_CLOSING "]}}"

void reply_ready_begin(struct buffer *out)
{
    REPLY_PUT(out, "{\"jsonrpc\":\"2.0\",\"method\":\"ready\",\"params\":{\"events\":[");
}

void reply_events_begin(struct buffer *out, struct span id)
{
    reply_put_head(out, id);
    REPLY_PUT(out, ",\"result\":{\"events\":[");
}

#define EVENT_OPENING ",{\"token\":"
#define EVENT_CLOSING "}"

/* The text of an event after the token: the set flags in the order of the bits. */
struct flags_text {
    uint8_t length;
    char text[111];
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
#define REDELIVERED_0  ""
#define REDELIVERED_1  ",\"redelivered\":true"

#define FLAGS_TEXT(rd, e, wc, rc, w, r)                                                                                \
    READABLE_##r WRITABLE_##w READ_CLOSED_##rc WRITE_CLOSED_##wc ERROR_##e REDELIVERED_##rd EVENT_CLOSING
#define FLAGS(rd, e, wc, rc, w, r)                                                                                     \
    {                                                                                                                  \
        sizeof(FLAGS_TEXT(rd, e, wc, rc, w, r)) - 1, FLAGS_TEXT(rd, e, wc, rc, w, r)                                   \
    }
#define FLAGS_2(rd, e, wc, rc, w) FLAGS(rd, e, wc, rc, w, 0), FLAGS(rd, e, wc, rc, w, 1)
#define FLAGS_4(rd, e, wc, rc)    FLAGS_2(rd, e, wc, rc, 0), FLAGS_2(rd, e, wc, rc, 1)
#define FLAGS_8(rd, e, wc)        FLAGS_4(rd, e, wc, 0), FLAGS_4(rd, e, wc, 1)
#define FLAGS_16(rd, e)           FLAGS_8(rd, e, 0), FLAGS_8(rd, e, 1)
#define FLAGS_32(rd)              FLAGS_16(rd, 0), FLAGS_16(rd, 1)

static const struct flags_text flags_texts[] = {FLAGS_32(0), FLAGS_32(1)}; /* by READY_ bits */

/* Hot path: the text of the flags is precomputed, and the event is appended in one call. */
bool reply_events_add(struct buffer *out, uint64_t token, uint8_t readiness, size_t begun_at, size_t budget)
{
    const struct flags_text *flags = &flags_texts[readiness & (sizeof flags_texts / sizeof *flags_texts - 1)];
    char text[sizeof EVENT_OPENING + JSON_DIGITS_MAX + sizeof flags->text];
    size_t before = out->length, length = sizeof EVENT_OPENING - 1;
    bool first = !before || buffer_bytes(out)[before - 1] == '[';

    memcpy(text, EVENT_OPENING, sizeof EVENT_OPENING - 1);
    length += json_format_unsigned(token, text + length);
    memcpy(text + length, flags->text, sizeof flags->text); /* the constant size avoids a call of memcpy */
    length += flags->length;
    buffer_append(out, text + first, length - first);
    return keep_if_fits(out, before, sizeof EVENTS_CLOSING - 1, begun_at, budget);
}

void reply_events_end(struct buffer *out)
{
    REPLY_PUT(out, EVENTS_CLOSING);
}
