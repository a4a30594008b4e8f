/* SPDX-License-Identifier: MIT */
#include "daemon/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Below PIPE_BUF: where poll() sees room in a pipe, a line of this size goes in whole and without blocking. */
#define LINE_MAX_BYTES 1024

static enum log_level threshold = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    threshold = level;
}

int log_level_from_name(const char *name)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"error", LOG_LEVEL_ERROR},
        {"warning", LOG_LEVEL_WARNING},
        {"info", LOG_LEVEL_INFO},
        {"debug", LOG_LEVEL_DEBUG},
    };

    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (!strcmp(levels[i].name, name))
            return (int)levels[i].level;
    return -EINVAL;
}

void log_write(enum log_level level, const char *format, ...)
{
    struct pollfd standard_error = {.fd = STDERR_FILENO, .events = POLLOUT};
    char line[LINE_MAX_BYTES];
    int prefix, length;
    va_list arguments;

    if (level > threshold)
        return;
    prefix = getenv("JOURNAL_STREAM") ? snprintf(line, sizeof line, "<%d>", (int)level) : 0;
    prefix += snprintf(line + prefix, sizeof line - (size_t)prefix, "minimiod: ");
    va_start(arguments, format);
    length = vsnprintf(line + prefix, sizeof line - (size_t)prefix - 1, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    length = (int)strlen(line);
    line[length++] = '\n';
    if (poll(&standard_error, 1, 0) == 1 && (standard_error.revents & POLLOUT)) {
        ssize_t written = write(STDERR_FILENO, line, (size_t)length);
        (void)written; /* there is nowhere to complain to */
    }
}
