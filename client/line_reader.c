/* SPDX-License-Identifier: MIT */
#include "client/line_reader.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

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

int line_reader_fill(struct line_reader *reader, int fd)
{
    ssize_t n;

    move_to_front(reader);
    do
        n = recv(fd, reader->bytes + reader->end, LINE_SIZE - reader->end, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    reader->end += (size_t)n;
    return (int)n;
}

bool line_reader_is_open(const struct line_reader *reader)
{
    return reader->end > reader->start;
}
