/* SPDX-License-Identifier: MIT */
/*
 * Writers of JSON strings and numbers. The file has no state.
 */
#include "proto/json_write.h"

#include <string.h>

/* The next bytes of a string. */
struct piece {
    size_t length;
    bool valid;
};

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Whether a byte may follow a lead byte: excludes overlong forms, surrogates and code points above U+10FFFF. */
static bool is_second(unsigned char lead, unsigned char byte)
{
    switch (lead) {
    case 0xe0:
        return byte >= 0xa0 && byte <= 0xbf;
    case 0xed:
        return byte >= 0x80 && byte <= 0x9f;
    case 0xf0:
        return byte >= 0x90 && byte <= 0xbf;
    case 0xf4:
        return byte >= 0x80 && byte <= 0x8f;
    default:
        return is_continuation(byte);
    }
}

static struct piece next_character(const unsigned char *at, size_t left)
{
    size_t length = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;

    if (length == 0 || length > left || (length > 1 && !is_second(at[0], at[1])))
        return (struct piece){1, false};
    for (size_t i = 2; i < length; i++) {
        if (!is_continuation(at[i]))
            return (struct piece){1, false};
    }
    return (struct piece){length, true};
}

static bool needs_escape(unsigned char byte)
{
    return byte < 0x20 || byte == '"' || byte == '\\';
}

static const char named[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";

static const char *find_named(unsigned char byte)
{
    return byte ? strchr(named, byte) : NULL;
}

static void write_escape(struct buffer *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    const char *found = find_named(byte);
    char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

    if (found)
        escape[1] = letters[found - named];
    buffer_append(out, escape, found ? 2 : sizeof escape);
}

/* The number of bytes from `at` that need no escape. */
static size_t plain_length(const unsigned char *at, size_t left)
{
    size_t length = 0;

    while (length < left && !needs_escape(at[length])) {
        struct piece piece = next_character(at + length, left - length);

        if (!piece.valid)
            break;
        length += piece.length;
    }
    return length;
}

void json_write_span(struct buffer *out, struct span text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t left = text.length;

    buffer_append(out, "\"", 1);
    while (left) {
        size_t length = plain_length(at, left);

        buffer_append(out, at, length);
        at += length;
        left -= length;
        if (!left)
            break;
        if (needs_escape(*at))
            write_escape(out, *at);
        else
            buffer_append_text(out, "\xef\xbf\xbd");
        at++;
        left--;
    }
    buffer_append(out, "\"", 1);
}

bool json_is_text(struct span bytes, size_t *ret_written_length)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    size_t left = bytes.length, written = 2;

    while (left) {
        size_t length = plain_length(at, left);

        at += length;
        left -= length;
        written += length;
        if (!left)
            break;
        if (*at == '\0' || !needs_escape(*at))
            return false;
        written += find_named(*at) ? 2 : 6;
        at++;
        left--;
    }
    *ret_written_length = written;
    return true;
}

void json_write_text(struct buffer *out, const char *text)
{
    json_write_span(out, (struct span){text, strlen(text)});
}

size_t json_format_unsigned(uint64_t value, char *ret_digits)
{
    size_t length = 1;

    for (uint64_t rest = value; rest >= 10; rest /= 10)
        length++;
    for (size_t i = length; i-- > 0; value /= 10)
        ret_digits[i] = (char)('0' + value % 10);
    return length;
}

void json_write_unsigned(struct buffer *out, uint64_t value)
{
    char digits[JSON_DIGITS_MAX];

    buffer_append(out, digits, json_format_unsigned(value, digits));
}

void json_write_signed(struct buffer *out, int64_t value)
{
    if (value < 0)
        buffer_append(out, "-", 1);
    json_write_unsigned(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}
