/* SPDX-License-Identifier: MIT */
/*
 * Full-screen mode of a terminal: unbuffered keys, the alternate screen, a hidden cursor. All terminals except dumb
 * terminals support the escape sequences.
 *
 * Invariant: between screen_open and screen_close, every catchable signal that ends or stops the program restores the
 * terminal first. screen_wait returns termination signals to the program.
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
    bool styled;       /* reverse and bold text; false if NO_COLOR is set */
    int signal_number; /* after SCREEN_END: the termination signal; 0: no signal */
    int error;         /* after SCREEN_END without a signal: errno; 0: the terminal hung up */
    struct screen_keys keys;
    struct buffer frame;
    int row; /* the next row of the frame */
    bool clear;
};

/* Whether standard input and output are a terminal and TERM is not dumb. */
bool screen_is_usable(void);

/* The number of columns of standard output; 0: not a terminal. */
int screen_columns(void);

/* Error: a negative errno; the terminal is unchanged. */
int screen_open(struct screen *ret_screen);
void screen_close(struct screen *screen);

/*
 * Waits for a key or another event. SCREEN_READY: `fd` is ready for `events`; a negative `fd` is ignored. Ctrl-Z stops
 * the program within screen_wait, which returns SCREEN_RESIZED afterwards.
 */
int screen_wait(struct screen *screen, int fd, short events, int64_t deadline_ns);

/* Whether the next screen_wait returns a buffered key. */
bool screen_has_key(const struct screen *screen);

/*
 * Draw a frame line by line, from the first row. Lines are ASCII, are cut at the last column, and are dropped below the
 * last row. screen_end clears the remaining rows and writes the frame. Error of screen_end: -ENOMEM; the next
 * screen_wait reports a failed write.
 */
void screen_begin(struct screen *screen);
void screen_line(struct screen *screen, enum screen_style style, const char *text);
int screen_end(struct screen *screen);

#endif
