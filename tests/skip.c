/* SPDX-License-Identifier: MIT */
#include "tests/skip.h"

#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAX 512
#ifndef O_CLOEXEC /* Windows */
#define O_CLOEXEC 0
#endif

static int name_length(const char *function)
{
    size_t length = strlen(function);

    return (int)(length > 3 && strcmp(function + length - 3, "_fn") == 0 ? length - 3 : length);
}

/* A record is one line: a reason may be the output of a program. */
static void make_one_line(char *text)
{
    text[strcspn(text, "\r\n")] = '\0';
    for (char *tab = strchr(text, '\t'); tab; tab = strchr(tab, '\t'))
        *tab = ' ';
}

/* One write to a file opened for appending: records of processes that run at the same time do not mix. */
static void append(const char *path, const char *record, size_t length)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0 || write(fd, record, length) != (ssize_t)length)
        fprintf(stderr, "%s: cannot record: %s", path, record);
    if (fd >= 0)
        close(fd);
}

void test_skip(const char *test, const char *needs, ...)
{
    const char *path = getenv("MINIMIO_SKIP_LOG"), *suite = getenv("MINIMIO_SUITE"), *never = getenv("MINIMIO_SKIP");
    char what[RECORD_MAX / 2], record[RECORD_MAX];
    va_list arguments;

    va_start(arguments, needs);
    vsnprintf(what, sizeof what, needs, arguments);
    va_end(arguments);
    make_one_line(what);
    if (never && strcmp(never, "never") == 0)
        ck_abort_msg("%.*s needs %s, and MINIMIO_SKIP=never", name_length(test), test, what);
    if (!path) {
        fprintf(stderr, "skipped: %.*s: needs %s\n", name_length(test), test, what);
        return;
    }
    int length = snprintf(record, sizeof record, "%s\t%.*s\t%s\n", suite ? suite : "", name_length(test), test, what);
    if (length > 0 && (size_t)length < sizeof record)
        append(path, record, (size_t)length);
    else
        fprintf(stderr, "skipped: %s", record);
}
