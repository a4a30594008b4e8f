/* SPDX-License-Identifier: MIT */
/*
 * The fast decoder: tokens, parameters and the envelope in one pass over the bytes. The file has no state.
 */
#include "proto/request_fast.h"

#include <string.h>

/* The digits of INTEGER_MAX; 16 digits cannot overflow uint64_t. */
#define DIGITS_MAX 16

struct fast_cursor {
    const char *at, *end;
    uint32_t values; /* number of values so far, for message_values */
};

/* ---- Tokens ----------------------------------------------------------------------------------------------------- */

static void fast_skip_space(struct fast_cursor *cursor)
{
    while (cursor->at < cursor->end &&
           (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\r' || *cursor->at == '\t'))
        cursor->at++;
}

static inline bool fast_is_next(const struct fast_cursor *cursor, char byte)
{
    return cursor->at < cursor->end && *cursor->at == byte;
}

/* Consumes `byte` and the space before the byte. Space is rare: test the byte first. */
static inline bool fast_byte(struct fast_cursor *cursor, char byte)
{
    if (!fast_is_next(cursor, byte))
        fast_skip_space(cursor);
    if (!fast_is_next(cursor, byte))
        return false;
    cursor->at++;
    return true;
}

/* Bytes of a string without escapes: printable ASCII without quote and backslash. */
static const bool is_unescaped[256] = {
    [' '] = 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['@'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1,
    ['`'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

/* Consumes a string. `*ret_text` is the text between the quotes. */
static inline bool fast_string(struct fast_cursor *cursor, struct span *ret_text)
{
    const char *begin, *at;

    if (!fast_byte(cursor, '"'))
        return false;
    begin = cursor->at;
    for (at = begin; at < cursor->end && is_unescaped[(unsigned char)*at]; at++)
        ;
    if (at == cursor->end || *at != '"')
        return false;
    *ret_text = (struct span){begin, (size_t)(at - begin)};
    cursor->at = at + 1;
    return true;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Whether an integer ends before `byte`. With another byte the number has a fraction or an exponent, or is invalid. */
static bool ends_integer(char byte)
{
    return byte == ',' || byte == '}' || byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Always inline, so that the cursor stays in registers. */
static inline __attribute__((always_inline)) bool fast_integer(struct fast_cursor *cursor, uint64_t *ret_integer)
{
    const char *begin;
    uint64_t integer = 0;

    fast_skip_space(cursor);
    begin = cursor->at;
    while (cursor->at < cursor->end && is_digit(*cursor->at) && cursor->at - begin < DIGITS_MAX)
        integer = integer * 10 + (uint64_t)(*cursor->at++ - '0');
    if (cursor->at == begin || (*begin == '0' && cursor->at - begin > 1))
        return false;
    if (cursor->at == cursor->end || !ends_integer(*cursor->at))
        return false;
    *ret_integer = integer;
    return true;
}

/* Consumes `text`. memcmp of a constant length compiles to one or two word comparisons. */
#define FAST_TEXT(cursor, text) fast_text((cursor), (text), sizeof(text) - 1)

static inline bool fast_text(struct fast_cursor *cursor, const char *text, size_t length)
{
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

static bool fast_boolean(struct fast_cursor *cursor, bool *ret_boolean)
{
    fast_skip_space(cursor);
    *ret_boolean = cursor->at < cursor->end && *cursor->at == 't';
    return *ret_boolean ? FAST_TEXT(cursor, "true") : FAST_TEXT(cursor, "false");
}

static bool span_is(struct span text, const char *expected, size_t length)
{
    return text.length == length && memcmp(text.data, expected, length) == 0;
}

/* ---- Parameters ------------------------------------------------------------------------------------------------- */

static int fast_find_choice(const char *const *choices, struct span text)
{
    for (int i = 0; choices[i]; i++)
        if (span_is(text, choices[i], strlen(choices[i])))
            return i;
    return -1;
}

static bool fast_choice(struct fast_cursor *cursor, const struct param_info *info, uint8_t *ret_choice)
{
    struct span text;
    int choice = fast_string(cursor, &text) ? fast_find_choice(info->choices, text) : -1;

    *ret_choice = (uint8_t)choice;
    return choice >= 0;
}

static bool fast_interests(struct fast_cursor *cursor, const struct param_info *info, uint8_t *ret_interests)
{
    uint8_t interests = 0;

    if (!fast_byte(cursor, '['))
        return false;
    if (!fast_byte(cursor, ']')) {
        do {
            uint8_t bit;
            if (!fast_choice(cursor, info, &bit))
                return false;
            interests |= (uint8_t)(1u << bit);
            cursor->values++;
        } while (fast_byte(cursor, ','));
        if (!fast_byte(cursor, ']'))
            return false;
    }
    *ret_interests = interests;
    return true;
}

static bool fast_bounded_string(struct fast_cursor *cursor, const struct param_info *info, struct span *ret_text)
{
    return fast_string(cursor, ret_text) && ret_text->length >= info->min && ret_text->length <= info->max;
}

static bool fast_bounded(struct fast_cursor *cursor, const struct param_info *info, uint64_t *ret_integer)
{
    return fast_integer(cursor, ret_integer) && *ret_integer >= info->min && *ret_integer <= info->max;
}

static bool fast_value(struct fast_cursor *cursor, const struct param_info *info, struct params *params)
{
    void *at = (char *)params + info->offset;

    cursor->values++;
    switch (info->type) {
    case PARAM_INTEGER:
        return fast_bounded(cursor, info, at);
    case PARAM_BOOLEAN:
        return fast_boolean(cursor, at);
    case PARAM_TEXT:
        return fast_bounded_string(cursor, info, at);
    case PARAM_CHOICE:
        return fast_choice(cursor, info, at);
    case PARAM_INTERESTS:
        return fast_interests(cursor, info, at);
    case PARAM_ID:
    case PARAM_NAME: /* needs a NUL-terminated copy, and open_loop is rare */
        return false;
    }
    return false;
}

/* The index of the parameter with this name; param_count: unknown name. */
static size_t fast_find_param(const struct method_info *method, struct span name)
{
    size_t i = 0;

    while (i < method->param_count && !span_is(name, method->params[i].name, method->params[i].name_length))
        i++;
    return i;
}

static bool fast_param(struct fast_cursor *cursor, const struct method_info *method, struct params *params)
{
    struct span name;
    size_t index;

    if (!fast_string(cursor, &name))
        return false;
    index = fast_find_param(method, name);
    if (index == method->param_count || (params->given >> index & 1) || !fast_byte(cursor, ':'))
        return false;
    params->given |= 1u << index;
    return fast_value(cursor, &method->params[index], params);
}

static bool fast_params(struct fast_cursor *cursor, const struct method_info *method, struct params *params)
{
    if (!fast_byte(cursor, '{'))
        return FAST_TEXT(cursor, "null");
    if (fast_byte(cursor, '}'))
        return true;
    do {
        if (!fast_param(cursor, method, params))
            return false;
    } while (fast_byte(cursor, ','));
    return fast_byte(cursor, '}');
}

static bool has_required(const struct method_info *method, const struct params *params)
{
    for (size_t i = 0; i < method->param_count; i++)
        if (method->params[i].required && !(params->given >> i & 1))
            return false;
    return true;
}

/* ---- The envelope ----------------------------------------------------------------------------------------------- */

enum { SEEN_VERSION = 1, SEEN_ID = 2, SEEN_METHOD = 4, SEEN_PARAMS = 8 };

static bool fast_version(struct fast_cursor *cursor)
{
    fast_skip_space(cursor);
    return FAST_TEXT(cursor, "\"2.0\"");
}

/* `*ret_id` is the id as written. */
static bool fast_id(struct fast_cursor *cursor, const struct limits *limits, struct span *ret_id)
{
    const char *begin;
    struct span text;
    uint64_t integer;

    fast_skip_space(cursor);
    begin = cursor->at;
    if (begin == cursor->end || !(*begin == '"' ? fast_string(cursor, &text) : fast_integer(cursor, &integer)))
        return false;
    *ret_id = (struct span){begin, (size_t)(cursor->at - begin)};
    return ret_id->length <= limits->id_bytes;
}

static bool fast_method(struct fast_cursor *cursor, struct request *request)
{
    struct span name;
    int method = fast_string(cursor, &name) ? method_find(name) : -1;

    if (method < 0)
        return false;
    request->method = (enum method)method;
    request->params.given = 0;
    params_set_defaults(request->method, &request->params);
    return true;
}

static bool fast_member(struct fast_cursor *cursor, const struct limits *limits, struct request *request,
                        unsigned *seen)
{
    unsigned before = *seen;

    fast_skip_space(cursor);
    cursor->values++;
    if (FAST_TEXT(cursor, "\"id\":")) {
        *seen |= SEEN_ID;
        return !(before & SEEN_ID) && fast_id(cursor, limits, &request->id);
    }
    if (FAST_TEXT(cursor, "\"method\":")) {
        *seen |= SEEN_METHOD;
        return !(before & SEEN_METHOD) && fast_method(cursor, request);
    }
    if (FAST_TEXT(cursor, "\"params\":")) {
        *seen |= SEEN_PARAMS;
        return (before & (SEEN_METHOD | SEEN_PARAMS)) == SEEN_METHOD &&
               fast_params(cursor, &method_table[request->method], &request->params);
    }
    *seen |= SEEN_VERSION;
    return FAST_TEXT(cursor, "\"jsonrpc\":") && !(before & SEEN_VERSION) && fast_version(cursor);
}

bool request_decode_fast(const char *data, size_t length, const struct limits *limits, struct request *ret_request,
                         size_t *ret_used)
{
    struct fast_cursor cursor = {.at = data, .end = data + length, .values = 1};
    unsigned seen = 0;

    ret_request->owned = NULL;
    ret_request->id = (struct span){0};
    if (!fast_byte(&cursor, '{'))
        return false;
    do {
        if (!fast_member(&cursor, limits, ret_request, &seen))
            return false;
    } while (fast_byte(&cursor, ','));
    if (!fast_byte(&cursor, '}') || (seen & (SEEN_VERSION | SEEN_METHOD)) != (SEEN_VERSION | SEEN_METHOD))
        return false;
    *ret_used = (size_t)(cursor.at - data);
    return *ret_used <= limits->message_bytes && cursor.values <= limits->message_values &&
           has_required(&method_table[ret_request->method], &ret_request->params);
}
