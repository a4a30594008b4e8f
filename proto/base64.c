/* SPDX-License-Identifier: MIT */
/*
 * Encoder and decoder of base64. The file has no state.
 */
#include "proto/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encoded_length(size_t length)
{
    return (length + 2) / 3 * 4;
}

size_t base64_bytes_within(size_t length)
{
    return length / 4 * 3;
}

/* The last group may have one or two bytes. */
static void encode_group(const unsigned char *bytes, size_t count, char ret_text[4])
{
    uint32_t bits = (uint32_t)bytes[0] << 16;

    if (count > 1)
        bits |= (uint32_t)bytes[1] << 8;
    if (count > 2)
        bits |= bytes[2];
    for (int i = 0; i < 4; i++)
        ret_text[i] = alphabet[bits >> (18 - 6 * i) & 63];
    memset(ret_text + count + 1, '=', 3 - count);
}

void base64_encode(struct buffer *out, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    size_t encoded = base64_encoded_length(length);
    char *text = buffer_reserve(out, encoded);

    if (!text)
        return;
    for (size_t left = length; left; left -= left < 3 ? left : 3, bytes += 3, text += 4)
        encode_group(bytes, left < 3 ? left : 3, text);
    buffer_commit(out, encoded);
}

static int value_of(char character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    return character == '+' ? 62 : character == '/' ? 63 : -1;
}

/* Returns the number of padding characters; -EINVAL: not a valid group. */
static int decode_group(const char *text, bool last, unsigned char ret_bytes[3])
{
    int padding = !last || text[3] != '=' ? 0 : text[2] != '=' ? 1 : 2;
    uint32_t bits = 0;

    for (int i = 0; i < 4; i++) {
        int value = i < 4 - padding ? value_of(text[i]) : 0;

        if (value < 0)
            return -EINVAL;
        bits = bits << 6 | (uint32_t)value;
    }
    if (bits & ((UINT32_C(1) << 8 * padding) - 1))
        return -EINVAL;
    for (int i = 0; i < 3; i++)
        ret_bytes[i] = (unsigned char)(bits >> (16 - 8 * i));
    return padding;
}

int base64_decode(struct buffer *out, struct span text)
{
    size_t before = out->length;

    if (text.length % 4)
        return -EINVAL;
    for (size_t at = 0; at < text.length; at += 4) {
        unsigned char bytes[3];
        int padding = decode_group(text.data + at, at + 4 == text.length, bytes);

        if (padding < 0) {
            buffer_truncate(out, before);
            return padding;
        }
        buffer_append(out, bytes, (size_t)(3 - padding));
    }
    return 0;
}
