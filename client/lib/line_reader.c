/* SPDX-License-Identifier: MIT */
/*
 * Splits received bytes into lines. The state is in struct line_reader.
 */
#include "client/lib/line_reader.h"

#include <errno.h>
#include <string.h>

void line_reader_init(struct line_reader *reader)
{
    reader->start = reader->looked = reader->end = 0;
}

int line_reader_next(struct line_reader *reader, struct span *ret_line)
{
    char *line = reader->bytes + reader->start;
    char *newline = memchr(reader->bytes + reader->looked, '\n', reader->end - reader->looked);

    if (!newline) {
        reader->looked = reader->end;
        return reader->end - reader->start < LINE_SIZE ? -EAGAIN : -EMSGSIZE;
    }
    *ret_line = (struct span){.data = line, .length = (size_t)(newline - line)};
    reader->start = reader->looked = (size_t)(newline + 1 - reader->bytes);
    return 0;
}

static void move_to_front(struct line_reader *reader)
{
    memmove(reader->bytes, reader->bytes + reader->start, reader->end - reader->start);
    reader->looked -= reader->start;
    reader->end -= reader->start;
    reader->start = 0;
}

struct line_room line_reader_room(struct line_reader *reader)
{
    move_to_front(reader);
    return (struct line_room){.data = reader->bytes + reader->end, .size = LINE_SIZE - reader->end};
}

void line_reader_commit(struct line_reader *reader, size_t length)
{
    reader->end += length;
}

bool line_reader_is_open(const struct line_reader *reader)
{
    return reader->end > reader->start;
}
