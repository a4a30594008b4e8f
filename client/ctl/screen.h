/* SPDX-License-Identifier: MIT */
/*
 * A terminal for a program that draws the whole of it: keys without waiting for a line, the alternate screen, no
 * cursor. Every terminal but a dumb one understands the few escape sequences that are used here.
 *
 * What holds: between screen_open and screen_close every signal that ends or stops the program, and can be caught,
 * finds the terminal given back. Signals that ask for the end are returned by screen_wait, and the program decides.
 */
#ifndef MINIMIO_CLIENT_CTL_SCREEN_H
#define MINIMIO_CLIENT_CTL_SCREEN_H

#include "client/ctl/screen_keys.h"
#include "proto/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum { SCREEN_TIMEOUT = -10, SCREEN_RESIZED = -11, SCREEN_END = -12, SCREEN_READY = -13 }; /* other values are keys */

enum screen_style { SCREEN_PLAIN, SCREEN_BOLD, SCREEN_REVERSE };

struct screen {
    int rows, columns;
    bool styled;       /* reverse and bold text; not where NO_COLOR is set */
    int signal_number; /* after SCREEN_END: the signal that asked for the end; 0: none did */
    int error;         /* after SCREEN_END without a signal: errno, 0 where the terminal hung up */
    struct screen_keys keys;
    struct buffer frame;
    int row; /* of the frame, the next to be written */
    bool clear;
};

/* Standard input and output are a terminal, and TERM does not say that the terminal is a dumb one. */
bool screen_is_usable(void);

/* How many columns standard output has; 0: it is not a terminal. */
int screen_columns(void);

/* Error: what the system says; the terminal is then as it was. */
int screen_open(struct screen *ret_screen);
void screen_close(struct screen *screen);

/*
 * The next key, or what else happened: SCREEN_READY where `fd` (negative: none) is ready for `events`. A stop (Ctrl-Z)
 * is carried out here, and returns as SCREEN_RESIZED.
 */
int screen_wait(struct screen *screen, int fd, short events, int64_t deadline_ns);

/* A key has been read already, and the next screen_wait returns it. */
bool screen_has_key(const struct screen *screen);

/*
 * A frame is drawn line by line, from the first row on; lines are ASCII, cut at the last column, and dropped below the
 * last row. screen_end blanks the rows that are left and shows the frame. Error of screen_end: -ENOMEM. A failed write
 * is told by the next screen_wait.
 */
void screen_begin(struct screen *screen);
void screen_line(struct screen *screen, enum screen_style style, const char *text);
int screen_end(struct screen *screen);

#endif
