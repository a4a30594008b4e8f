/* SPDX-License-Identifier: MIT */
/*
 * Writers of JSON strings and numbers, which append to a buffer.
 */
#ifndef MINIMIO_PROTO_JSON_WRITE_H
#define MINIMIO_PROTO_JSON_WRITE_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes a string with quotes. The output is valid for all bytes: each byte that is not UTF-8 becomes U+FFFD, and NUL
 * is escaped. */
void json_write_span(struct buffer *out, struct span text);
void json_write_text(struct buffer *out, const char *text);

/* Whether the bytes are UTF-8 without NUL. `*ret_written_length` is then the length of json_write_span's string. */
bool json_is_text(struct span bytes, size_t *ret_written_length);

#define JSON_DIGITS_MAX 20

/* Writes a number's digits, at most JSON_DIGITS_MAX, without a NUL. Returns the number of digits. */
size_t json_format_unsigned(uint64_t value, char *ret_digits);

void json_write_unsigned(struct buffer *out, uint64_t value);
void json_write_signed(struct buffer *out, int64_t value);

#endif
