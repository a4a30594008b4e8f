/* SPDX-License-Identifier: MIT */
/*
 * The OpenRPC document, generated from the tables of methods, parameters and errors.
 */
#include "proto/discover.h"

#include "proto/fault.h"
#include "proto/json_write.h"
#include "proto/methods.h"

#include <string.h>

#define PUT(out, text) buffer_append(out, text, sizeof(text) - 1)

/* ---- The macros of method_rows.h for results ----------------------------------------------------------------------
 */

#define EMPTY              "{\"type\":\"object\"}"
#define OBJECT(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"
#define REF(name)          "{\"$ref\":\"#/components/schemas/" name "\"}"
#define COUNT_             REF("count")
#define TEXT_              "{\"type\":\"string\"}"
#define FLAG_              "{\"type\":\"boolean\"}"
#define NAME_OR_NULL       "{\"type\":[\"string\",\"null\"]}"
#define LIST_OF(item)      "{\"type\":\"array\",\"items\":" item "}"
#define COUNTS             "{\"type\":\"object\",\"additionalProperties\":" COUNT_ "}"

#define METHOD_RESULT(symbol, function, name, loop, effect, cost, params, summary, result) [METHOD_##symbol] = (result),

static const char *const results[METHOD_COUNT] = {METHOD_ROWS(METHOD_RESULT)};

/* A flag is present only when true. */
#define TRUE_ "{\"const\":true}"
#define FLAGS                                                                                                          \
    "\"readable\":" TRUE_ ",\"writable\":" TRUE_ ",\"read_closed\":" TRUE_ ",\"write_closed\":" TRUE_                  \
    ",\"error\":" TRUE_

static const char schemas[] =
    "{\"count\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":9007199254740991}"
    ",\"event\":{\"type\":\"object\",\"required\":[\"token\"],\"properties\":{\"token\":" COUNT_ "," FLAGS
    ",\"redelivered\":" TRUE_ "}}"
    ",\"registration\":" OBJECT(
        "\"token\":" COUNT_ ",\"state\":{\"enum\":[\"connecting\",\"armed\",\"disarmed\"]}"
        ",\"interests\":" LIST_OF(
            TEXT_) ",\"mode\":" TEXT_ ",\"address\":" TEXT_ ",\"local\":" TEXT_ ",\"peer\":" TEXT_
                   ",\"pending\":" OBJECT(
                       FLAGS) ",\"leased\":" TRUE_) ",\"loop\":" OBJECT("\"name\":" TEXT_ ",\"uid\":" COUNT_
                                                                        ",\"registrations\":" COUNT_
                                                                        ",\"pending\":" COUNT_ ",\"attached\":" FLAG_
                                                                        ",\"linger_ms\":" COUNT_ ",\"durable\":" FLAG_
                                                                        ",\"owner\":" FLAG_ ",\"workers\":" COUNT_
                                                                        ",\"guests\":" COUNT_) "}";

/* ---- Parameters ------------------------------------------------------------------------------------------------- */

static void put_member(struct buffer *out, const char *name, const char *text)
{
    PUT(out, ",\"");
    buffer_append_text(out, name);
    PUT(out, "\":");
    json_write_text(out, text);
}

static void put_bound(struct buffer *out, const char *name, uint64_t bound)
{
    PUT(out, ",\"");
    buffer_append_text(out, name);
    PUT(out, "\":");
    json_write_unsigned(out, bound);
}

static void put_choices(struct buffer *out, const char *const *choices)
{
    PUT(out, "\"enum\":[");
    for (size_t i = 0; choices[i]; i++) {
        if (i)
            PUT(out, ",");
        json_write_text(out, choices[i]);
    }
    PUT(out, "]");
}

static void put_integer_schema(struct buffer *out, const struct param_info *info)
{
    PUT(out, "\"type\":\"integer\"");
    put_bound(out, "minimum", info->min);
    put_bound(out, "maximum", info->max);
    if (info->default_value)
        put_bound(out, "default", info->default_value);
}

static void put_text_schema(struct buffer *out, const struct param_info *info)
{
    PUT(out, "\"type\":\"string\"");
    if (info->min)
        put_bound(out, "minLength", info->min);
    if (info->max < UINT32_MAX)
        put_bound(out, "maxLength", info->max);
    if (info->type == PARAM_NAME)
        put_member(out, "pattern", "^[A-Za-z0-9._-]+$");
}

static void put_interests_schema(struct buffer *out, const struct param_info *info)
{
    const char *separator = "";

    PUT(out, "\"type\":\"array\",\"items\":{");
    put_choices(out, info->choices);
    PUT(out, "}");
    if (info->unchanged_if_absent)
        return;
    PUT(out, ",\"default\":[");
    for (int i = 0; info->choices[i]; i++) {
        if (!(info->default_value >> i & 1))
            continue;
        buffer_append_text(out, separator);
        json_write_text(out, info->choices[i]);
        separator = ",";
    }
    PUT(out, "]");
}

static void put_schema(struct buffer *out, const struct param_info *info)
{
    PUT(out, ",\"schema\":{");
    switch (info->type) {
    case PARAM_INTEGER:
        put_integer_schema(out, info);
        break;
    case PARAM_BOOLEAN:
        PUT(out, "\"type\":\"boolean\",\"default\":");
        buffer_append_text(out, info->default_value ? "true" : "false");
        break;
    case PARAM_TEXT:
    case PARAM_NAME:
        put_text_schema(out, info);
        break;
    case PARAM_CHOICE:
        put_choices(out, info->choices);
        if (!info->required && !info->unchanged_if_absent)
            put_member(out, "default", info->choices[info->default_value]);
        break;
    case PARAM_INTERESTS:
        put_interests_schema(out, info);
        break;
    case PARAM_ID:
        PUT(out, "\"type\":[\"string\",\"number\",\"null\"]");
        break;
    }
    PUT(out, "}");
}

static void put_param(struct buffer *out, const struct param_info *info)
{
    PUT(out, "{\"name\":");
    json_write_text(out, info->name);
    put_member(out, "summary", info->summary);
    if (info->required)
        PUT(out, ",\"required\":true");
    put_schema(out, info);
    PUT(out, "}");
}

/* ---- The document ----------------------------------------------------------------------------------------------- */

static void put_method(struct buffer *out, const struct method_info *info, const char *result)
{
    PUT(out, "{\"name\":");
    json_write_text(out, info->name);
    put_member(out, "summary", info->summary);
    PUT(out, ",\"paramStructure\":\"either\",\"params\":[");
    for (size_t i = 0; i < info->param_count; i++) {
        if (i)
            PUT(out, ",");
        put_param(out, &info->params[i]);
    }
    PUT(out, "],\"result\":{\"name\":\"result\",\"schema\":");
    buffer_append_text(out, result);
    PUT(out, "}}");
}

static void put_errors(struct buffer *out)
{
    PUT(out, "{");
    for (int name = 0; name < FAULT_COUNT; name++) {
        const char *text = fault_text((enum fault_name)name);

        if (name)
            PUT(out, ",");
        json_write_text(out, text);
        PUT(out, ":{\"code\":");
        json_write_signed(out, fault_code((enum fault_name)name));
        put_member(out, "message", text);
        PUT(out, "}");
    }
    PUT(out, "}");
}

void reply_discover(struct buffer *out, struct span id)
{
    PUT(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buffer_append(out, id.data ? id.data : "null", id.data ? id.length : 4);
    PUT(out, ",\"result\":{\"openrpc\":\"1.2.6\",\"info\":{\"title\":\"minimiod\",\"version\":\"" MINIMIO_VERSION "\"}"
             ",\"methods\":[");
    for (int method = 0; method < METHOD_COUNT; method++) {
        if (method)
            PUT(out, ",");
        put_method(out, &method_table[method], results[method]);
    }
    PUT(out, "],\"components\":{\"schemas\":");
    buffer_append_text(out, schemas);
    PUT(out, ",\"errors\":");
    put_errors(out);
    PUT(out, "}}}");
}
