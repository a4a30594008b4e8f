/* SPDX-License-Identifier: MIT */
/*
 * Decodes keys from the bytes of a terminal. A byte is a key; the escape sequence of an arrow or navigation key is a
 * key. Known sequences are the sequences of xterm, tmux, screen, the Linux console and rxvt, with and without
 * modifiers. Other sequences are dropped completely, so that letters in a sequence do not become keys.
 */
#ifndef MINIMIO_CLIENT_CTL_SCREEN_KEYS_H
#define MINIMIO_CLIENT_CTL_SCREEN_KEYS_H

#include <stddef.h>

enum {
    KEY_NONE = -1,    /* the buffer is empty */
    KEY_PARTIAL = -2, /* the buffer contains an incomplete sequence */
    KEY_UP = 256,     /* lower numbers are bytes */
    KEY_DOWN,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_HOME,
    KEY_END,
    KEY_UNKNOWN,
};

/* Zero-initialized: empty. */
struct screen_keys {
    unsigned char bytes[64];
    size_t length;
};

int screen_keys_next(struct screen_keys *keys);

/* After a timeout: a single ESC byte is the Escape key, which is returned; a longer incomplete sequence is KEY_UNKNOWN.
 */
int screen_keys_give_up(struct screen_keys *keys);

#endif
