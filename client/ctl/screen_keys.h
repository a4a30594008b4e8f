/* SPDX-License-Identifier: MIT */
/*
 * Keys out of the bytes that a terminal sends: a byte is a key, and the escape sequences of the arrows and of the keys
 * around them are one key each. The sequences are those of xterm, tmux, screen, the Linux console and rxvt, with or
 * without modifiers. Other sequences are dropped whole, so that their letters are not taken for keys.
 */
#ifndef MINIMIO_CLIENT_CTL_SCREEN_KEYS_H
#define MINIMIO_CLIENT_CTL_SCREEN_KEYS_H

#include <stddef.h>

enum {
    KEY_NONE = -1,    /* no byte is left */
    KEY_PARTIAL = -2, /* the bytes that are left begin a sequence */
    KEY_UP = 256,     /* lower numbers are bytes */
    KEY_DOWN,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_UNKNOWN,
};

/* Zeros hold no bytes. */
struct screen_keys {
    unsigned char bytes[64];
    size_t length;
};

int screen_keys_next(struct screen_keys *keys);

/* No more bytes came in time: an Escape alone was the key. Returns that key, or KEY_UNKNOWN for a longer beginning. */
int screen_keys_give_up(struct screen_keys *keys);

#endif
