/* SPDX-License-Identifier: MIT */
/*
 * Cuts what comes from the daemon into lines. Holds one line of the largest size that the protocol allows, and never
 * more: a daemon gone wrong costs an error, not memory.
 */
#ifndef MINIMIO_CLIENT_LIB_LINE_READER_H
#define MINIMIO_CLIENT_LIB_LINE_READER_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_SIZE ((size_t)64 * 1024) /* a line is shorter than this, its LF included */

struct line_reader {
    size_t start;  /* where the next line begins */
    size_t looked; /* up to here there is no LF */
    size_t end;    /* of what was read */
    char bytes[LINE_SIZE];
};

void line_reader_init(struct line_reader *reader);

/*
 * The next line, without its LF; valid until the next fill.
 * Errors: -EAGAIN, no whole line is there: fill; -EMSGSIZE, the line is longer than the protocol allows.
 */
int line_reader_next(struct line_reader *reader, struct span *ret_line);

/* The room behind what was read, never empty after line_reader_next gave -EAGAIN; and how much of it was filled. */
struct line_room {
    char *data;
    size_t size;
};
struct line_room line_reader_room(struct line_reader *reader);
void line_reader_grew(struct line_reader *reader, size_t length);

/* Has a line begun that did not end? */
bool line_reader_is_open(const struct line_reader *reader);

#endif
