/* SPDX-License-Identifier: MIT */
/*
 * Base64 of RFC 4648 (section 4): the standard alphabet, with padding, without line breaks.
 */
#ifndef MINIMIO_PROTO_BASE64_H
#define MINIMIO_PROTO_BASE64_H

#include "proto/buffer.h"

#include <stddef.h>

/* The number of characters for `length` bytes, and the number of bytes that fit into `length` characters. */
size_t base64_encoded_length(size_t length);
size_t base64_bytes_within(size_t length);

/* Appends the characters. */
void base64_encode(struct buffer *out, const void *data, size_t length);

/* Appends the decoded bytes. Error: -EINVAL: an invalid character, a wrong length, or non-zero unused bits. */
int base64_decode(struct buffer *out, struct span text);

#endif
