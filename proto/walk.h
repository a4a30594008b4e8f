/* SPDX-License-Identifier: MIT */
/*
 * Walks over a JSON text that the scanner accepted: elements of an array, members of an object, each as the bytes it
 * was written with. As nothing can be wrong with the text any more, nothing is checked and nothing can fail.
 */
#ifndef MINIMIO_PROTO_WALK_H
#define MINIMIO_PROTO_WALK_H

#include "proto/buffer.h"

#include <stdbool.h>

struct walk {
    const char *at, *end;
};

enum walk_kind { WALK_OBJECT, WALK_ARRAY, WALK_STRING, WALK_NUMBER, WALK_BOOLEAN, WALK_NULL };

/* What a value is, by its first byte. */
enum walk_kind walk_kind(struct span value);

/* Is there a value, and is it a string? */
bool walk_is_string(struct span value);

/* Enters an object or array. */
void walk_init(struct walk *ret_walk, struct span container);

/* The next element of an array, without the space around it; false after the last. */
bool walk_element(struct walk *walk, struct span *ret_value);

/* The next member of an object; its name as written, without its quotes. False after the last. */
bool walk_member(struct walk *walk, struct span *ret_name, struct span *ret_value);

/* What stands between a string's quotes. */
struct span walk_string(struct span value);

/* A text without the white space around it. */
struct span walk_trim(struct span text);

#endif
