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

/* Below PIPE_BUF: if poll() reports room in a pipe, a write of this size is atomic and does not block. */
#define LINE_MAX_BYTES 1024

#define SECOND_NS INT64_C(1000000000)

struct ratelimit {
    bool used; /* the slot has a kind and a uid */
    enum log_kind kind;
    uid_t uid;
    int64_t used_ns;     /* time up to which the written lines have used the budget of one line a second */
    uint64_t suppressed; /* lines since the last written line of this kind and uid */
};

static struct ratelimit ratelimits[LOG_RATELIMITS];
static struct ratelimit shared[LOG_KIND_COUNT]; /* for pairs without a slot */

static const char *const kind_names[LOG_KIND_COUNT] = {
    [LOG_REFUSED_SESSION] = "refused sessions", [LOG_LIMIT] = "limits reached", [LOG_DENIED] = "denied addresses",
    [LOG_FILE] = "files that cannot be used",   [LOG_SLOW_TURN] = "slow turns", [LOG_NAMES] = "failures of lookups",
};

enum log_level log_threshold = LOG_LEVEL_INFO;

static uint64_t unwritten_debug; /* debug lines since the last one that was written */

void log_set_level(enum log_level level)
{
    log_threshold = level;
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

/* $JOURNAL_STREAM has the device and inode of the journal's stream: a program started by the service with another
 * standard error inherits the variable, but does not write to the journal. */
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

    if (level > log_threshold)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_line(level, text);
}

static bool report_unwritten_debug(void)
{
    char text[64];

    if (!unwritten_debug)
        return true;
    snprintf(text, sizeof text, "%llu debug lines were not written", (unsigned long long)unwritten_debug);
    if (!write_line(LOG_LEVEL_DEBUG, text))
        return false;
    unwritten_debug = 0;
    return true;
}

void log_write_debug(const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list arguments;

    if (!report_unwritten_debug()) {
        unwritten_debug++;
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!write_line(LOG_LEVEL_DEBUG, text))
        unwritten_debug++;
}

/* ---- Rate limits ------------------------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void report_suppressed(struct ratelimit *ratelimit, const char *whose)
{
    if (ratelimit->suppressed)
        log_write(LOG_LEVEL_WARNING, "%s%s: %llu more lines were suppressed", kind_names[ratelimit->kind], whose,
                  (unsigned long long)ratelimit->suppressed);
    ratelimit->suppressed = 0;
}

static void report_slot(struct ratelimit *ratelimit)
{
    char whose[32] = "";

    if (ratelimit->uid != LOG_NOBODY)
        snprintf(whose, sizeof whose, " of uid %u", (unsigned)ratelimit->uid);
    report_suppressed(ratelimit, whose);
}

/* A slot whose budget has recovered can be reused. Prefers a slot without suppressed lines to report. */
static struct ratelimit *find_free_slot(int64_t now)
{
    struct ratelimit *idle = NULL;

    for (size_t i = 0; i < LOG_RATELIMITS; i++) {
        if (!ratelimits[i].used)
            return &ratelimits[i];
        if (ratelimits[i].used_ns <= now && (!idle || idle->suppressed))
            idle = &ratelimits[i];
    }
    return idle;
}

static struct ratelimit *find_ratelimit(enum log_kind kind, uid_t uid)
{
    struct ratelimit *ratelimit;

    for (size_t i = 0; i < LOG_RATELIMITS; i++)
        if (ratelimits[i].used && ratelimits[i].kind == kind && ratelimits[i].uid == uid)
            return &ratelimits[i];
    ratelimit = find_free_slot(now_ns());
    if (!ratelimit) {
        shared[kind].kind = kind;
        return &shared[kind];
    }
    if (ratelimit->used)
        report_slot(ratelimit);
    *ratelimit = (struct ratelimit){.used = true, .kind = kind, .uid = uid};
    return ratelimit;
}

/* Each line costs one second; up to LOG_BURST seconds may be used in advance. */
static bool ratelimit_take(struct ratelimit *ratelimit)
{
    int64_t now = now_ns();
    int64_t used_ns = ratelimit->used_ns > now ? ratelimit->used_ns : now;

    if (used_ns - now > (LOG_BURST - 1) * SECOND_NS)
        return false;
    ratelimit->used_ns = used_ns + SECOND_NS;
    return true;
}

void log_write_ratelimited(enum log_kind kind, uid_t uid, const char *format, ...)
{
    struct ratelimit *ratelimit;
    char text[LINE_MAX_BYTES];
    va_list arguments;
    int length;

    if (LOG_LEVEL_WARNING > log_threshold)
        return;
    ratelimit = find_ratelimit(kind, uid);
    if (!ratelimit_take(ratelimit)) {
        ratelimit->suppressed++;
        return;
    }
    va_start(arguments, format);
    length = vsnprintf(text, sizeof text / 2, format, arguments);
    va_end(arguments);
    if (length >= 0 && ratelimit->suppressed)
        snprintf(text + strlen(text), sizeof text / 2, " (%llu similar lines were suppressed)",
                 (unsigned long long)ratelimit->suppressed);
    if (write_line(LOG_LEVEL_WARNING, text))
        ratelimit->suppressed = 0;
    else
        ratelimit->suppressed++;
}

void log_finish(void)
{
    report_unwritten_debug();
    for (size_t i = 0; i < LOG_RATELIMITS; i++)
        report_slot(&ratelimits[i]);
    for (size_t i = 0; i < LOG_KIND_COUNT; i++)
        report_suppressed(&shared[i], " of other users");
}
