/* SPDX-License-Identifier: MIT */
/*
 * What an operator must know, one line each on standard error. Never blocks: a line that the reader of standard error
 * has no room for is dropped. Under the journal each line begins with its level as `<6>`.
 */
#ifndef MINIMIO_DAEMON_LOG_H
#define MINIMIO_DAEMON_LOG_H

/* syslog's numbers */
enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above this level are not written; LOG_LEVEL_INFO at first. */
void log_set_level(enum log_level level);

/* The level of this name, or -EINVAL. */
int log_level_from_name(const char *name);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
