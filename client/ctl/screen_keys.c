/* SPDX-License-Identifier: MIT */
/*
 * Decoder of keys and escape sequences. The state is in struct screen_keys.
 */
#include "client/ctl/screen_keys.h"

#include <stdlib.h>
#include <string.h>

#define ESCAPE 033

static int consume(struct screen_keys *keys, size_t length, int key)
{
    keys->length -= length;
    memmove(keys->bytes, keys->bytes + length, keys->length);
    return key;
}

/* The key of the last byte of a sequence. */
static int key_of_letter(unsigned char letter)
{
    static const char letters[] = "ABHF";
    static const int keys[] = {KEY_UP, KEY_DOWN, KEY_HOME, KEY_END};
    const char *at = letter ? strchr(letters, letter) : NULL;

    return at ? keys[at - letters] : KEY_UNKNOWN;
}

/* The key of the number before `~`. */
static int key_of_number(int number)
{
    static const int keys[] = {
        [1] = KEY_HOME, [4] = KEY_END, [5] = KEY_PAGE_UP, [6] = KEY_PAGE_DOWN, [7] = KEY_HOME, [8] = KEY_END};

    if (number < 0 || number >= (int)(sizeof keys / sizeof keys[0]) || keys[number] == 0)
        return KEY_UNKNOWN;
    return keys[number];
}

/* ESC [ parameters letter. The Linux console's function keys are ESC [ [ letter. */
static int take_control_sequence(struct screen_keys *keys)
{
    size_t at = keys->length > 2 && keys->bytes[2] == '[' ? 3 : 2;

    while (at < keys->length && keys->bytes[at] >= ' ' && keys->bytes[at] < '@')
        at++;
    if (at == keys->length)
        return at == sizeof keys->bytes ? consume(keys, at, KEY_UNKNOWN) : KEY_PARTIAL;
    if (keys->bytes[2] == '[' || keys->bytes[at] < '@' || keys->bytes[at] > '~')
        return consume(keys, at + 1, KEY_UNKNOWN);
    if (keys->bytes[at] == '~')
        return consume(keys, at + 1, key_of_number(atoi((const char *)keys->bytes + 2)));
    return consume(keys, at + 1, key_of_letter(keys->bytes[at]));
}

int screen_keys_next(struct screen_keys *keys)
{
    if (keys->length == 0)
        return KEY_NONE;
    if (keys->bytes[0] != ESCAPE)
        return consume(keys, 1, keys->bytes[0]);
    if (keys->length == 1)
        return KEY_PARTIAL;
    if (keys->bytes[1] == '[')
        return take_control_sequence(keys);
    if (keys->bytes[1] == 'O')
        return keys->length > 2 ? consume(keys, 3, key_of_letter(keys->bytes[2])) : KEY_PARTIAL;
    return consume(keys, 1, ESCAPE);
}

int screen_keys_give_up(struct screen_keys *keys)
{
    return consume(keys, keys->length, keys->length == 1 ? ESCAPE : KEY_UNKNOWN);
}
