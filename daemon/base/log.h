/* SPDX-License-Identifier: MIT */
/*
 * Log lines for the operator on standard error. Never blocks: drops a line for which the reader of standard error has
 * no room. If standard error is the journal, each line begins with the level as `<6>`.
 *
 * Lines that clients can cause are rate-limited for each kind and uid, so no user can fill a disk or hide the lines of
 * another user. The number of suppressed lines is added to the next line of the same kind and uid, or logged at the
 * end. A line is printable ASCII, whatever the arguments contain.
 *
 * Owns the rate limits and the level. Calls escape.h. Not thread-safe.
 */
#ifndef MINIMIO_DAEMON_BASE_LOG_H
#define MINIMIO_DAEMON_BASE_LOG_H

#include <stdbool.h>
#include <sys/types.h>

/* Burst: lines of a kind and uid before the limit of one line a second applies. */
#define LOG_BURST 10

/* Pairs of kind and uid with a rate limit for themselves. All further pairs share one limit for each kind. */
#define LOG_RATELIMITS 32

/* In place of a uid: no single user causes the line. */
#define LOG_NOBODY ((uid_t)-1)

/* syslog's numbers */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Kinds of lines that clients can cause. */
enum log_kind { LOG_REFUSED_SESSION, LOG_LIMIT, LOG_DENIED, LOG_FILE, LOG_SLOW_TURN, LOG_NAMES, LOG_KIND_COUNT };

/* Sets the level above which lines are dropped; LOG_LEVEL_INFO at first. */
void log_set_level(enum log_level level);

/* The level with this name. Error: -EINVAL. */
int log_level_from_name(const char *name);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Lines above this level are not written. Private to the functions of this header: log_set_level changes it. */
extern enum log_level log_threshold;

/* Whether lines of LOG_LEVEL_DEBUG are written. Asked for each request, so inline. */
static inline bool log_is_debug(void)
{
    return __builtin_expect(log_threshold >= LOG_LEVEL_DEBUG, false);
}

/*
 * As log_write at LOG_LEVEL_DEBUG; the arguments are evaluated only where log_is_debug(). Clients cause these lines and
 * no ration limits them. A line that the reader of standard error has no room for is counted; the count is written
 * before the next line.
 */
#define log_debug(...)                                                                                                 \
    do {                                                                                                               \
        if (log_is_debug())                                                                                            \
            log_write_debug(__VA_ARGS__);                                                                              \
    } while (0)
void log_write_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As log_write at LOG_LEVEL_WARNING, but rate-limited. `uid`: the user who causes the line. */
void log_write_ratelimited(enum log_kind kind, uid_t uid, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Logs the numbers of suppressed lines. Call last. */
void log_finish(void);

#endif
