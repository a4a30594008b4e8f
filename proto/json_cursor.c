/* SPDX-License-Identifier: MIT */
/*
 * The cursor over accepted JSON text: finds the ends of values without validation. The file has no state.
 */
#include "proto/json_cursor.h"

#include <string.h>

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static const char *skip_space(const char *at)
{
    while (is_space(*at))
        at++;
    return at;
}

/* From the opening quote to the byte after the closing quote. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        if (*at == '\\')
            at++;
    }
    return at + 1;
}

static const char *skip_container(const char *at)
{
    size_t depth = 0;

    do {
        if (*at == '"') {
            at = skip_string(at);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        at++;
    } while (depth);
    return at;
}

static bool ends_scalar(char byte)
{
    return byte == ',' || byte == '}' || byte == ']' || is_space(byte);
}

/* A scalar is an element of a container, so that a comma, a bracket or a space ends the scalar. */
static const char *skip_value(const char *at)
{
    if (*at == '"')
        return skip_string(at);
    if (*at == '{' || *at == '[')
        return skip_container(at);
    while (!ends_scalar(*at))
        at++;
    return at;
}

enum json_kind json_kind(struct span value)
{
    switch (*value.data) {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
    case 'f':
        return JSON_BOOLEAN;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

bool json_is_string(struct span value)
{
    return value.data && json_kind(value) == JSON_STRING;
}

void json_cursor_init(struct json_cursor *ret_walk, struct span container)
{
    ret_walk->at = container.data + 1;
    ret_walk->end = container.data + container.length - 1;
}

/* Skips space and the comma before the next element or member. */
static bool cursor_advance(struct json_cursor *cursor)
{
    while (cursor->at < cursor->end && (is_space(*cursor->at) || *cursor->at == ','))
        cursor->at++;
    return cursor->at < cursor->end;
}

bool json_cursor_element(struct json_cursor *cursor, struct span *ret_value)
{
    const char *begin;

    if (!cursor_advance(cursor))
        return false;
    begin = cursor->at;
    cursor->at = skip_value(begin);
    *ret_value = (struct span){begin, (size_t)(cursor->at - begin)};
    return true;
}

bool json_cursor_member(struct json_cursor *cursor, struct span *ret_name, struct span *ret_value)
{
    const char *begin;

    if (!cursor_advance(cursor))
        return false;
    begin = cursor->at;
    cursor->at = skip_string(begin);
    *ret_name = (struct span){begin + 1, (size_t)(cursor->at - begin) - 2};
    cursor->at = skip_space(cursor->at) + 1; /* over the colon */
    begin = skip_space(cursor->at);
    cursor->at = skip_value(begin);
    *ret_value = (struct span){begin, (size_t)(cursor->at - begin)};
    return true;
}

struct span json_unquote(struct span value)
{
    return (struct span){value.data + 1, value.length - 2};
}

struct span json_trim(struct span text)
{
    while (text.length && is_space(*text.data)) {
        text.data++;
        text.length--;
    }
    while (text.length && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}
