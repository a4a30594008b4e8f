/* SPDX-License-Identifier: MIT */
/*
 * A terminal for a program that draws it whole: keys without waiting for a line, a screen of its own, no cursor. What
 * holds: between screen_open and screen_close every way out that a program has a say in leaves the terminal as it was:
 * signals that end or stop it are taken up by screen_wait, where the program decides.
 */
#ifndef MINIMIO_CLIENT_SCREEN_H
#define MINIMIO_CLIENT_SCREEN_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { SCREEN_TIMEOUT = -1, SCREEN_RESIZED = -2, SCREEN_END = -3 }; /* other values are keys, bytes as they came */

struct screen {
    int rows, columns;
    int signal_number; /* after SCREEN_END: which asked for it; 0: the terminal is gone */
};

/* Standard input and output are a terminal. Error: what the system says; the terminal is then as it was. */
int screen_open(struct screen *ret_screen);
void screen_close(void);

/* The next key or what else happened. A stop (Ctrl-Z) is dealt with here, and is then a SCREEN_RESIZED. */
int screen_wait(struct screen *screen, int64_t deadline_ns);

/* Shows lines with LF between: cut where they are too long, those below the last row left out. */
void screen_show(const struct screen *screen, struct span text);

#endif
