/* SPDX-License-Identifier: MIT */
#include "daemon/base/escape.h"

#include <stdbool.h>
#include <string.h>

static bool escape_is_plain(unsigned char byte)
{
    return byte >= ' ' && byte < 0x7f && byte != '\\';
}

size_t escape_text(const char *text, char *ret_text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = 0;

    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        size_t needed = escape_is_plain(byte) ? 1 : 4;

        if (length + needed >= size)
            break;
        if (escape_is_plain(byte)) {
            ret_text[length] = *text;
        } else {
            char escaped[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
            memcpy(ret_text + length, escaped, sizeof escaped);
        }
        length += needed;
    }
    ret_text[length] = '\0';
    return length;
}
