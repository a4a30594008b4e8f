/* SPDX-License-Identifier: MIT */
/*
 * Cursor over a JSON text that the scanner accepted. The cursor returns elements and members as spans of the text. The
 * functions neither validate nor fail, because the scanner has validated the text.
 */
#ifndef MINIMIO_PROTO_JSON_CURSOR_H
#define MINIMIO_PROTO_JSON_CURSOR_H

#include "proto/buffer.h"

#include <stdbool.h>

struct json_cursor {
    const char *at, *end;
};

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_BOOLEAN, JSON_NULL };

/* The type of a value, from the first byte. */
enum json_kind json_kind(struct span value);

/* Whether the value is present and a string. */
bool json_is_string(struct span value);

/* Moves the cursor to the first element of an object or array. */
void json_cursor_init(struct json_cursor *ret_walk, struct span container);

/* The next element of an array, without surrounding space; false after the last element. */
bool json_cursor_element(struct json_cursor *cursor, struct span *ret_value);

/* The next member of an object; the name as written, without quotes. False after the last member. */
bool json_cursor_member(struct json_cursor *cursor, struct span *ret_name, struct span *ret_value);

/* The text between the quotes of a string. */
struct span json_unquote(struct span value);

/* The text without surrounding white space. */
struct span json_trim(struct span text);

#endif
