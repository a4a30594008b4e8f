/* SPDX-License-Identifier: MIT */
/*
 * JSON's smallest pieces, appended to a buffer.
 */
#ifndef MINIMIO_PROTO_JSON_WRITE_H
#define MINIMIO_PROTO_JSON_WRITE_H

#include "proto/buffer.h"

#include <stdint.h>

/* A string with its quotes. Whatever the bytes are, the output is valid: where they are no UTF-8, each byte becomes
 * U+FFFD, and a NUL is escaped. */
void json_write_span(struct buffer *out, struct span text);
void json_write_text(struct buffer *out, const char *text);

void json_write_unsigned(struct buffer *out, uint64_t value);
void json_write_signed(struct buffer *out, int64_t value);

#endif
