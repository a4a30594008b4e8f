/* SPDX-License-Identifier: MIT */
/*
 * Base64 as RFC 4648 has it (section 4): the standard alphabet, with padding, without line breaks.
 */
#ifndef MINIMIO_PROTO_BASE64_H
#define MINIMIO_PROTO_BASE64_H

#include "proto/buffer.h"

#include <stddef.h>

/* How many characters `length` bytes become, and how many bytes become at most `length` characters. */
size_t base64_encoded_length(size_t length);
size_t base64_bytes_within(size_t length);

/* Appends the characters. */
void base64_encode(struct buffer *out, const void *data, size_t length);

/* Appends the bytes. Error: -EINVAL, not base64: another character, a wrong length, bits set that stand for nothing. */
int base64_decode(struct buffer *out, struct span text);

#endif
