/* SPDX-License-Identifier: MIT */
/*
 * Text as a JSON string writes it, and the text that is meant. "Written" is what stands between the quotes of a string
 * that the scanner accepted, so its escapes are whole and its UTF-8 is valid.
 */
#ifndef MINIMIO_PROTO_TEXT_H
#define MINIMIO_PROTO_TEXT_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define TEXT_END (-1)

/* Gives the meant text byte by byte, without memory of its own however long it is. */
struct text_reader {
    const char *at, *end;
    unsigned char ahead[3]; /* the rest of an escaped character, last byte first */
    unsigned ahead_count;
};

void text_reader_init(struct text_reader *ret_reader, struct span written);
int text_reader_next(struct text_reader *reader); /* 0 to 255, or TEXT_END */

/* Do two written texts mean the same? */
bool text_equal(struct span written, struct span other);

/* Does a written text mean `plain`? */
bool text_is(struct span written, const char *plain);

/* Writes what is meant, cut at a character's end where it would not fit, and a NUL behind it. Returns the length. */
size_t text_decode(struct span written, char *ret_text, size_t size);

/* How many of the first `length` bytes of UTF-8 make whole characters: `length`, or up to three less. */
size_t text_cut(const char *text, size_t length);

#endif
