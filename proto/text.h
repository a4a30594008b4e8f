/* SPDX-License-Identifier: MIT */
/*
 * Decoding of JSON strings. A "written" text is the text between the quotes of a string that the scanner accepted, so
 * that escapes are complete and the UTF-8 is valid.
 */
#ifndef MINIMIO_PROTO_TEXT_H
#define MINIMIO_PROTO_TEXT_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define TEXT_END (-1)

/* Decodes a written text byte by byte, without allocation. */
struct text_reader {
    const char *at, *end;
    unsigned char ahead[3]; /* the rest of an escaped character, last byte first */
    unsigned ahead_count;
};

void text_reader_init(struct text_reader *ret_reader, struct span written);
int text_reader_next(struct text_reader *reader); /* 0 to 255, or TEXT_END */

/* Whether two written texts are equal after decoding. */
bool text_equal(struct span written, struct span other);

/* Whether a written text decodes to `plain`. */
bool text_is(struct span written, const char *plain);

/* Writes the decoded text and a NUL. A text that does not fit is cut at the end of a character. Returns the length. */
size_t text_decode(struct span written, char *ret_text, size_t size);

/* The length of the complete characters in the first `length` bytes of UTF-8: at most three bytes less than `length`.
 */
size_t text_cut(const char *text, size_t length);

#endif
