/* SPDX-License-Identifier: MIT */
/*
 * Splits the daemon's output into lines. The buffer has the size of the longest line of the protocol, so that a faulty
 * daemon causes an error, and no unbounded allocation.
 */
#ifndef MINIMIO_CLIENT_LIB_LINE_READER_H
#define MINIMIO_CLIENT_LIB_LINE_READER_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_SIZE ((size_t)64 * 1024) /* exclusive maximum of a line, with LF */

struct line_reader {
    size_t start;  /* start of the next line */
    size_t looked; /* no LF before this offset */
    size_t end;    /* end of the received bytes */
    char bytes[LINE_SIZE];
};

void line_reader_init(struct line_reader *reader);

/*
 * The next line, without LF; valid until more bytes are received.
 * Errors: -EAGAIN, no complete line; -EMSGSIZE, the line is longer than the protocol allows.
 */
int line_reader_next(struct line_reader *reader, struct span *ret_line);

/* The free space after the received bytes, never empty after -EAGAIN of line_reader_next. line_reader_commit adds
 * received bytes. */
struct line_room {
    char *data;
    size_t size;
};
struct line_room line_reader_room(struct line_reader *reader);
void line_reader_commit(struct line_reader *reader, size_t length);

/* Whether the buffer contains an incomplete line. */
bool line_reader_is_open(const struct line_reader *reader);

#endif
