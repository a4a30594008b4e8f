/* SPDX-License-Identifier: MIT */
/*
 * Escapes untrusted text (names of loops, data of peers, errors of the daemon) for terminals. Unsafe characters control
 * a terminal or reorder displayed text: C0 and C1 control characters, DEL, line separators, bidirectional marks, and
 * bytes that are not UTF-8.
 */
#include "client/ctl/output.h"

#include <langinfo.h>
#include <stdio.h>
#include <string.h>

/* Decodes a character. Returns the number of bytes; 0: not valid UTF-8. */
static size_t decode(const unsigned char *at, uint32_t *ret_character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = *at < 0x80 ? 1 : *at < 0xc0 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf8 ? 4 : 0;
    uint32_t character = length == 1 ? *at : *at & (0x7fu >> length);

    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) /* also stops at the final NUL */
            return 0;
        character = character << 6 | (at[i] & 0x3f);
    }
    if (character < least[length] || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
        return 0;
    *ret_character = character;
    return length;
}

static bool is_safe(uint32_t character)
{
    if (character < 0xa0)
        return character >= ' ' && character < 0x7f;
    return character != 0x61c && !(character >= 0x200e && character <= 0x200f) &&
           !(character >= 0x2028 && character <= 0x202e) && !(character >= 0x2066 && character <= 0x2069) &&
           character != 0xfeff && !(character >= 0xe0000 && character < 0xe0100);
}

/* Whether the locale can show the character: 8-bit terminals interpret some bytes of UTF-8 as control characters. */
static bool is_shown(uint32_t character)
{
    static int utf8 = -1;

    if (utf8 < 0)
        utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return is_safe(character) && (character < 0x80 || utf8);
}

static bool is_plain(uint32_t character)
{
    return character >= ' ' && character < 0x7f && character != '\\';
}

static size_t escape(const char *text, bool (*is_kept)(uint32_t character), char *ret_text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = (const unsigned char *)text;
    size_t length = 0;

    while (*at) {
        uint32_t character = 0;
        size_t count = decode(at, &character);
        bool shown = count > 0 && is_kept(character);
        size_t needed = shown ? count : 4;

        if (length + needed >= size)
            break;
        if (shown) {
            memcpy(ret_text + length, at, count);
        } else {
            char escaped[] = {'\\', 'x', digits[*at >> 4], digits[*at & 15]};

            memcpy(ret_text + length, escaped, sizeof escaped);
            count = 1;
        }
        length += needed;
        at += count;
    }
    ret_text[length] = '\0';
    return length;
}

size_t output_escape(const char *text, char *ret_text, size_t size)
{
    return escape(text, is_shown, ret_text, size);
}

size_t output_escape_columns(const char *text, char *ret_text, size_t size)
{
    return escape(text, is_plain, ret_text, size);
}

void output_text(FILE *stream, const char *text)
{
    char escaped[1024], piece[200];

    while (*text) {
        size_t length = strlen(text) < sizeof piece - 1 ? strlen(text) : sizeof piece - 1;

        /* Do not split a character: move up to three bytes to the next piece. */
        for (size_t back = 0; text[length] && back < 3 && ((unsigned char)text[length] & 0xc0) == 0x80; back++)
            length--;
        memcpy(piece, text, length);
        piece[length] = '\0';
        output_escape(piece, escaped, sizeof escaped);
        fputs(escaped, stream);
        text += length;
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void put_json_escape(uint32_t character)
{
    if (character >= 0x10000) {
        character -= 0x10000;
        printf("\\u%04x\\u%04x", (unsigned)(0xd800 + (character >> 10)), (unsigned)(0xdc00 + (character & 0x3ff)));
    } else {
        printf("\\u%04x", (unsigned)character);
    }
}

/* Writes the character at `at`. Returns the number of bytes. */
static size_t put_json_character(const unsigned char *at)
{
    uint32_t character = 0xfffd; /* for a byte that is not UTF-8, which JSON cannot hold */
    size_t length = decode(at, &character);

    if (length > 0 && is_safe(character))
        fwrite(at, 1, length, stdout);
    else
        put_json_escape(character);
    return length > 0 ? length : 1;
}

void output_json_string(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    putchar('"');
    while (*at) {
        if (*at == '"' || *at == '\\')
            putchar('\\');
        at += put_json_character(at);
    }
    putchar('"');
}

void output_json_text(const char *json)
{
    const unsigned char *at = (const unsigned char *)json;

    while (*at)
        if (*at < ' ') { /* white space between two tokens */
            putchar(' ');
            at++;
        } else {
            at += put_json_character(at);
        }
    putchar('\n');
}
