/* SPDX-License-Identifier: MIT */
#include "daemon/base/log.h"

#include "daemon/base/escape.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Below PIPE_BUF: where poll() sees room in a pipe, a line of this size goes in whole and without blocking. */
#define LINE_MAX_BYTES 1024

#define SECOND_NS INT64_C(1000000000)

struct ration {
    bool used; /* the slot has a kind and a uid */
    enum log_kind kind;
    uid_t uid;
    int64_t used_ns;    /* how far into the future lines were written on account */
    uint64_t unwritten; /* since the last line of this kind and uid */
};

static struct ration rations[LOG_RATIONS];
static struct ration shared[LOG_KIND_COUNT]; /* of those that found no slot */

static const char *const kind_names[LOG_KIND_COUNT] = {
    [LOG_REFUSED_SESSION] = "refused sessions", [LOG_LIMIT] = "limits reached", [LOG_DENIED] = "denied addresses",
    [LOG_FILE] = "files that cannot be used",   [LOG_SLOW_TURN] = "slow turns", [LOG_NAMES] = "failures of lookups",
};

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

/* ---- Writing ---------------------------------------------------------------------------------------------------- */

/* The service manager names the stream by device and inode: a program started from the service with its standard error
 * elsewhere inherits the variable, but not the journal. */
static bool is_journal(void)
{
    const char *name = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat found;
    char rest;

    return name && sscanf(name, "%llu:%llu%c", &device, &inode, &rest) == 2 && fstat(STDERR_FILENO, &found) == 0 &&
           found.st_dev == device && found.st_ino == inode;
}

static bool write_line(enum log_level level, const char *text)
{
    struct pollfd standard_error = {.fd = STDERR_FILENO, .events = POLLOUT};
    char line[LINE_MAX_BYTES];
    size_t length = is_journal() ? (size_t)snprintf(line, sizeof line, "<%d>", (int)level) : 0;

    length += (size_t)snprintf(line + length, sizeof line - length, "minimiod: ");
    length += escape_text(text, line + length, sizeof line - length);
    line[length++] = '\n';
    if (poll(&standard_error, 1, 0) != 1 || !(standard_error.revents & POLLOUT))
        return false;
    return write(STDERR_FILENO, line, length) == (ssize_t)length;
}

void log_write(enum log_level level, const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list arguments;

    if (level > threshold)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_line(level, text);
}

/* ---- Rations ---------------------------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void report_unwritten(struct ration *ration, const char *whose)
{
    if (ration->unwritten)
        log_write(LOG_LEVEL_WARNING, "%s%s: %llu more were not written", kind_names[ration->kind], whose,
                  (unsigned long long)ration->unwritten);
    ration->unwritten = 0;
}

static void report_slot(struct ration *ration)
{
    char whose[32] = "";

    if (ration->uid != LOG_NOBODY)
        snprintf(whose, sizeof whose, " of uid %u", (unsigned)ration->uid);
    report_unwritten(ration, whose);
}

/* A slot whose lines were all earned back is as good as an empty one, but for what it has not reported. */
static struct ration *find_free_slot(int64_t now)
{
    struct ration *idle = NULL;

    for (size_t i = 0; i < LOG_RATIONS; i++) {
        if (!rations[i].used)
            return &rations[i];
        if (rations[i].used_ns <= now && (!idle || idle->unwritten))
            idle = &rations[i];
    }
    return idle;
}

static struct ration *find_ration(enum log_kind kind, uid_t uid)
{
    struct ration *ration;

    for (size_t i = 0; i < LOG_RATIONS; i++)
        if (rations[i].used && rations[i].kind == kind && rations[i].uid == uid)
            return &rations[i];
    ration = find_free_slot(now_ns());
    if (!ration) {
        shared[kind].kind = kind;
        return &shared[kind];
    }
    if (ration->used)
        report_slot(ration);
    *ration = (struct ration){.used = true, .kind = kind, .uid = uid};
    return ration;
}

/* Each line uses up a second, and a burst's worth of them may be used ahead. */
static bool take_ration(struct ration *ration)
{
    int64_t now = now_ns();
    int64_t used_ns = ration->used_ns > now ? ration->used_ns : now;

    if (used_ns - now > (LOG_BURST - 1) * SECOND_NS)
        return false;
    ration->used_ns = used_ns + SECOND_NS;
    return true;
}

void log_write_ratelimited(enum log_kind kind, uid_t uid, const char *format, ...)
{
    struct ration *ration;
    char text[LINE_MAX_BYTES];
    va_list arguments;
    int length;

    if (LOG_LEVEL_WARNING > threshold)
        return;
    ration = find_ration(kind, uid);
    if (!take_ration(ration)) {
        ration->unwritten++;
        return;
    }
    va_start(arguments, format);
    length = vsnprintf(text, sizeof text / 2, format, arguments);
    va_end(arguments);
    if (length >= 0 && ration->unwritten)
        snprintf(text + strlen(text), sizeof text / 2, " (%llu more like this were not written)",
                 (unsigned long long)ration->unwritten);
    if (write_line(LOG_LEVEL_WARNING, text))
        ration->unwritten = 0;
    else
        ration->unwritten++;
}

void log_finish(void)
{
    for (size_t i = 0; i < LOG_RATIONS; i++)
        report_slot(&rations[i]);
    for (size_t i = 0; i < LOG_KIND_COUNT; i++)
        report_unwritten(&shared[i], " of other users");
}
