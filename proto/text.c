/* SPDX-License-Identifier: MIT */
/*
 * The decoder of written JSON strings, byte by byte or as a whole. The file has no state.
 */
#include "proto/text.h"

#include <stdint.h>
#include <string.h>

void text_reader_init(struct text_reader *ret_reader, struct span written)
{
    ret_reader->at = written.data;
    ret_reader->end = written.data + written.length;
    ret_reader->ahead_count = 0;
}

static uint32_t hex_digit(char digit)
{
    if (digit <= '9')
        return (uint32_t)(digit - '0');
    return (uint32_t)((digit | 0x20) - 'a' + 10);
}

static uint32_t read_unit(struct text_reader *reader)
{
    uint32_t unit = 0;

    for (int i = 0; i < 4; i++)
        unit = unit << 4 | hex_digit(*reader->at++);
    return unit;
}

/* Reads after `\u`. A low surrogate follows each high surrogate. */
static uint32_t read_code_point(struct text_reader *reader)
{
    uint32_t unit = read_unit(reader);

    if (unit < 0xd800 || unit > 0xdbff)
        return unit;
    reader->at += 2;
    return 0x10000 + ((unit - 0xd800) << 10) + (read_unit(reader) - 0xdc00);
}

/* Returns the first byte of the character's UTF-8 and stores the following bytes in `ahead`. */
static int begin_character(struct text_reader *reader, uint32_t code_point)
{
    static const unsigned char leads[] = {0x00, 0xc0, 0xe0, 0xf0};
    unsigned more = code_point < 0x80 ? 0 : code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;

    for (unsigned i = 0; i < more; i++) {
        reader->ahead[i] = (unsigned char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    reader->ahead_count = more;
    return (int)(leads[more] | code_point);
}

static int read_escape(struct text_reader *reader)
{
    char letter = *reader->at++;

    switch (letter) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'u':
        return begin_character(reader, read_code_point(reader));
    default:
        return letter;
    }
}

int text_reader_next(struct text_reader *reader)
{
    unsigned char byte;

    if (reader->ahead_count)
        return reader->ahead[--reader->ahead_count];
    if (reader->at == reader->end)
        return TEXT_END;
    byte = (unsigned char)*reader->at++;
    return byte == '\\' ? read_escape(reader) : byte;
}

bool text_equal(struct span written, struct span other)
{
    struct text_reader a, b;
    int byte;

    text_reader_init(&a, written);
    text_reader_init(&b, other);
    do {
        byte = text_reader_next(&a);
        if (byte != text_reader_next(&b))
            return false;
    } while (byte != TEXT_END);
    return true;
}

bool text_is(struct span written, const char *plain)
{
    size_t length = strlen(plain);
    struct text_reader reader;

    /* An escape is longer than the decoded byte, so a written text of at most `length` bytes is equal
     * only without escapes. */
    if (written.length <= length)
        return written.length == length && memcmp(written.data, plain, length) == 0;
    if (*written.data != *plain && *written.data != '\\')
        return false;
    text_reader_init(&reader, written);
    for (size_t i = 0; i < length; i++) {
        if (text_reader_next(&reader) != (unsigned char)plain[i])
            return false;
    }
    return text_reader_next(&reader) == TEXT_END;
}

static bool is_at_end(const struct text_reader *reader)
{
    return !reader->ahead_count && reader->at == reader->end;
}

/* Copies the bytes before the next escape, at most `room`. Returns the number of bytes. */
static size_t copy_plain(struct text_reader *reader, char *ret_text, size_t room)
{
    size_t left = (size_t)(reader->end - reader->at), length = left < room ? left : room;
    const char *escape = memchr(reader->at, '\\', length);

    if (escape)
        length = (size_t)(escape - reader->at);
    memcpy(ret_text, reader->at, length);
    reader->at += length;
    return length;
}

size_t text_decode(struct span written, char *ret_text, size_t size)
{
    struct text_reader reader;
    size_t length = 0;

    text_reader_init(&reader, written);
    while (!is_at_end(&reader) && length < size - 1) {
        if (reader.ahead_count || *reader.at == '\\')
            ret_text[length++] = (char)text_reader_next(&reader);
        else
            length += copy_plain(&reader, ret_text + length, size - 1 - length);
    }
    if (!is_at_end(&reader))
        length = text_cut(ret_text, length);
    ret_text[length] = '\0';
    return length;
}

static size_t character_length(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

size_t text_cut(const char *text, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        unsigned char byte = (unsigned char)text[length - back];

        if ((byte & 0xc0) != 0x80)
            return character_length(byte) > back ? length - back : length;
    }
    return length;
}
