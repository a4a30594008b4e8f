/* SPDX-License-Identifier: MIT */
#include "proto/plain.h"

#include <string.h>

/* More digits than any integer that is accepted; fewer than would overflow. */
#define DIGITS_MAX 16

struct cursor {
    const char *at, *end;
    uint32_t values; /* seen so far: there is a limit */
};

/* ---- Tokens ----------------------------------------------------------------------------------------------------- */

static void skip_space(struct cursor *cursor)
{
    while (cursor->at < cursor->end &&
           (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\r' || *cursor->at == '\t'))
        cursor->at++;
}

static inline bool is_next(const struct cursor *cursor, char byte)
{
    return cursor->at < cursor->end && *cursor->at == byte;
}

/* Takes this byte, with the space before it, of which there mostly is none. */
static inline bool take(struct cursor *cursor, char byte)
{
    if (!is_next(cursor, byte))
        skip_space(cursor);
    if (!is_next(cursor, byte))
        return false;
    cursor->at++;
    return true;
}

/* What stands for itself in a string: printable ASCII but for the quote and the backslash. */
static const bool is_plain[256] = {
    [' '] = 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['@'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1,
    ['`'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

/* What stands between the quotes. */
static inline bool take_string(struct cursor *cursor, struct span *ret_text)
{
    const char *begin, *at;

    if (!take(cursor, '"'))
        return false;
    begin = cursor->at;
    for (at = begin; at < cursor->end && is_plain[(unsigned char)*at]; at++)
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

/* What may follow one: all else makes it another number, or more than was sent so far. */
static bool ends_integer(char byte)
{
    return byte == ',' || byte == '}' || byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/* Inline, with all that is given the cursor, so that it lives in registers. */
static inline __attribute__((always_inline)) bool take_integer(struct cursor *cursor, uint64_t *ret_integer)
{
    const char *begin;
    uint64_t integer = 0;

    skip_space(cursor);
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

/* Takes exactly these bytes. Constants are compared in a word or two. */
#define TAKE_TEXT(cursor, text) take_text((cursor), (text), sizeof(text) - 1)

static inline bool take_text(struct cursor *cursor, const char *text, size_t length)
{
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

static bool take_boolean(struct cursor *cursor, bool *ret_boolean)
{
    skip_space(cursor);
    *ret_boolean = cursor->at < cursor->end && *cursor->at == 't';
    return *ret_boolean ? TAKE_TEXT(cursor, "true") : TAKE_TEXT(cursor, "false");
}

static bool is_text(struct span text, const char *plain, size_t length)
{
    return text.length == length && memcmp(text.data, plain, length) == 0;
}

/* ---- Parameters ------------------------------------------------------------------------------------------------- */

static int find_choice(const char *const *choices, struct span text)
{
    for (int i = 0; choices[i]; i++)
        if (is_text(text, choices[i], strlen(choices[i])))
            return i;
    return -1;
}

static bool take_choice(struct cursor *cursor, const struct param_info *info, uint8_t *ret_choice)
{
    struct span text;
    int choice = take_string(cursor, &text) ? find_choice(info->choices, text) : -1;

    *ret_choice = (uint8_t)choice;
    return choice >= 0;
}

static bool take_interests(struct cursor *cursor, const struct param_info *info, uint8_t *ret_interests)
{
    uint8_t interests = 0;

    if (!take(cursor, '['))
        return false;
    if (!take(cursor, ']')) {
        do {
            uint8_t bit;
            if (!take_choice(cursor, info, &bit))
                return false;
            interests |= (uint8_t)(1u << bit);
            cursor->values++;
        } while (take(cursor, ','));
        if (!take(cursor, ']'))
            return false;
    }
    *ret_interests = interests;
    return true;
}

static bool take_bounded_string(struct cursor *cursor, const struct param_info *info, struct span *ret_text)
{
    return take_string(cursor, ret_text) && ret_text->length >= info->min && ret_text->length <= info->max;
}

static bool take_bounded(struct cursor *cursor, const struct param_info *info, uint64_t *ret_integer)
{
    return take_integer(cursor, ret_integer) && *ret_integer >= info->min && *ret_integer <= info->max;
}

static bool take_value(struct cursor *cursor, const struct param_info *info, struct params *params)
{
    void *at = (char *)params + info->offset;

    cursor->values++;
    switch (info->type) {
    case PARAM_INTEGER:
        return take_bounded(cursor, info, at);
    case PARAM_BOOLEAN:
        return take_boolean(cursor, at);
    case PARAM_TEXT:
        return take_bounded_string(cursor, info, at);
    case PARAM_CHOICE:
        return take_choice(cursor, info, at);
    case PARAM_INTERESTS:
        return take_interests(cursor, info, at);
    case PARAM_NAME: /* it is to end with a NUL, and no loop is opened so often */
        return false;
    }
    return false;
}

/* Which parameter has this name; the count of them: none. */
static size_t find_param(const struct method_info *method, struct span name)
{
    size_t i = 0;

    while (i < method->param_count && !is_text(name, method->params[i].name, method->params[i].name_length))
        i++;
    return i;
}

static bool take_param(struct cursor *cursor, const struct method_info *method, struct params *params)
{
    struct span name;
    size_t index;

    if (!take_string(cursor, &name))
        return false;
    index = find_param(method, name);
    if (index == method->param_count || (params->given >> index & 1) || !take(cursor, ':'))
        return false;
    params->given |= 1u << index;
    return take_value(cursor, &method->params[index], params);
}

static bool take_params(struct cursor *cursor, const struct method_info *method, struct params *params)
{
    if (!take(cursor, '{'))
        return TAKE_TEXT(cursor, "null");
    if (take(cursor, '}'))
        return true;
    do {
        if (!take_param(cursor, method, params))
            return false;
    } while (take(cursor, ','));
    return take(cursor, '}');
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

static bool take_version(struct cursor *cursor)
{
    skip_space(cursor);
    return TAKE_TEXT(cursor, "\"2.0\"");
}

/* As it was written. */
static bool take_id(struct cursor *cursor, const struct limits *limits, struct span *ret_id)
{
    const char *begin;
    struct span text;
    uint64_t integer;

    skip_space(cursor);
    begin = cursor->at;
    if (begin == cursor->end || !(*begin == '"' ? take_string(cursor, &text) : take_integer(cursor, &integer)))
        return false;
    *ret_id = (struct span){begin, (size_t)(cursor->at - begin)};
    return ret_id->length <= limits->id_bytes;
}

static bool take_method(struct cursor *cursor, struct request *request)
{
    struct span name;
    int method = take_string(cursor, &name) ? method_find(name) : -1;

    if (method < 0)
        return false;
    request->method = (enum method)method;
    request->params.given = 0;
    params_set_fallbacks(request->method, &request->params);
    return true;
}

static bool take_member(struct cursor *cursor, const struct limits *limits, struct request *request, unsigned *seen)
{
    unsigned before = *seen;

    skip_space(cursor);
    cursor->values++;
    if (TAKE_TEXT(cursor, "\"id\":")) {
        *seen |= SEEN_ID;
        return !(before & SEEN_ID) && take_id(cursor, limits, &request->id);
    }
    if (TAKE_TEXT(cursor, "\"method\":")) {
        *seen |= SEEN_METHOD;
        return !(before & SEEN_METHOD) && take_method(cursor, request);
    }
    if (TAKE_TEXT(cursor, "\"params\":")) {
        *seen |= SEEN_PARAMS;
        return (before & (SEEN_METHOD | SEEN_PARAMS)) == SEEN_METHOD &&
               take_params(cursor, &method_table[request->method], &request->params);
    }
    *seen |= SEEN_VERSION;
    return TAKE_TEXT(cursor, "\"jsonrpc\":") && !(before & SEEN_VERSION) && take_version(cursor);
}

bool plain_decode(const char *data, size_t length, const struct limits *limits, struct request *ret_request,
                  size_t *ret_used)
{
    struct cursor cursor = {.at = data, .end = data + length, .values = 1};
    unsigned seen = 0;

    ret_request->owned = NULL;
    ret_request->id = (struct span){0};
    if (!take(&cursor, '{'))
        return false;
    do {
        if (!take_member(&cursor, limits, ret_request, &seen))
            return false;
    } while (take(&cursor, ','));
    if (!take(&cursor, '}') || (seen & (SEEN_VERSION | SEEN_METHOD)) != (SEEN_VERSION | SEEN_METHOD))
        return false;
    *ret_used = (size_t)(cursor.at - data);
    return *ret_used <= limits->message_bytes && cursor.values <= limits->message_values &&
           has_required(&method_table[ret_request->method], &ret_request->params);
}
