/* SPDX-License-Identifier: MIT */
#include "proto/walk.h"

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

/* From the opening quote to behind the closing one. */
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

/* A scalar stands in a container here, so something ends it. */
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

enum walk_kind walk_kind(struct span value)
{
    switch (*value.data) {
    case '{':
        return WALK_OBJECT;
    case '[':
        return WALK_ARRAY;
    case '"':
        return WALK_STRING;
    case 't':
    case 'f':
        return WALK_BOOLEAN;
    case 'n':
        return WALK_NULL;
    default:
        return WALK_NUMBER;
    }
}

bool walk_is_string(struct span value)
{
    return value.data && walk_kind(value) == WALK_STRING;
}

void walk_init(struct walk *ret_walk, struct span container)
{
    ret_walk->at = container.data + 1;
    ret_walk->end = container.data + container.length - 1;
}

/* To the next element or member, over the comma before it. */
static bool advance(struct walk *walk)
{
    while (walk->at < walk->end && (is_space(*walk->at) || *walk->at == ','))
        walk->at++;
    return walk->at < walk->end;
}

bool walk_element(struct walk *walk, struct span *ret_value)
{
    const char *begin;

    if (!advance(walk))
        return false;
    begin = walk->at;
    walk->at = skip_value(begin);
    *ret_value = (struct span){begin, (size_t)(walk->at - begin)};
    return true;
}

bool walk_member(struct walk *walk, struct span *ret_name, struct span *ret_value)
{
    const char *begin;

    if (!advance(walk))
        return false;
    begin = walk->at;
    walk->at = skip_string(begin);
    *ret_name = (struct span){begin + 1, (size_t)(walk->at - begin) - 2};
    walk->at = skip_space(walk->at) + 1; /* over the colon */
    begin = skip_space(walk->at);
    walk->at = skip_value(begin);
    *ret_value = (struct span){begin, (size_t)(walk->at - begin)};
    return true;
}

struct span walk_string(struct span value)
{
    return (struct span){value.data + 1, value.length - 2};
}

struct span walk_trim(struct span text)
{
    while (text.length && is_space(*text.data)) {
        text.data++;
        text.length--;
    }
    while (text.length && is_space(text.data[text.length - 1]))
        text.length--;
    return text;
}
