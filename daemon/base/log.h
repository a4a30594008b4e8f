/* SPDX-License-Identifier: MIT */
/*
 * What an operator must know, one line each on standard error. Never blocks: a line that the reader of standard error
 * has no room for is not written. Where standard error is the journal, each line begins with its level as `<6>`.
 *
 * Lines that clients can cause are rate-limited for each kind and uid, so that no user fills a disk or hides what
 * another user causes. The number of suppressed lines is written with the next line of their kind and uid, or at the
 * end. A line is printable ASCII whatever its texts hold.
 */
#ifndef MINIMIO_DAEMON_BASE_LOG_H
#define MINIMIO_DAEMON_BASE_LOG_H

#include <sys/types.h>

/* Lines of a kind and uid that are written at once, before they are limited to one a second. */
#define LOG_BURST 10

/* Pairs of kind and uid that are limited separately at one time. Those beyond share one limit for each kind. */
#define LOG_RATIONS 32

/* In the place of a uid: no single user causes the line. */
#define LOG_NOBODY ((uid_t)-1)

/* syslog's numbers */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* What clients can provoke. */
enum log_kind { LOG_REFUSED_SESSION, LOG_LIMIT, LOG_DENIED, LOG_FILE, LOG_SLOW_TURN, LOG_NAMES, LOG_KIND_COUNT };

/* Lines above this level are not written; LOG_LEVEL_INFO at first. */
void log_set_level(enum log_level level);

/* The level of this name, or -EINVAL. */
int log_level_from_name(const char *name);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As log_write at LOG_LEVEL_WARNING, but rate-limited. `uid`: the user who causes the line. */
void log_write_ratelimited(enum log_kind kind, uid_t uid, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Tells what was not written. The last thing to be called. */
void log_finish(void);

#endif
