/* SPDX-License-Identifier: MIT */
/*
 * Durations, and deadlines: times of CLOCK_MONOTONIC in nanoseconds. A deadline is a limit for several waits, and
 * changes of the wall clock have no effect.
 */
#ifndef MINIMIO_CLIENT_LIB_DEADLINE_H
#define MINIMIO_CLIENT_LIB_DEADLINE_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS      INT64_C(1000000)
#define NS_PER_S       INT64_C(1000000000)
#define DEADLINE_NEVER INT64_MAX

int64_t now_ns(void);

/* The deadline after the duration; a negative duration: never. */
int64_t deadline_in(int64_t duration_ns);
/* Whole milliseconds, rounded up. */
int64_t milliseconds_of(int64_t duration_ns);
int64_t deadline_sooner(int64_t left, int64_t right);

/* The time until a deadline; 0: the deadline has passed; negative: never. */
int64_t deadline_left_ns(int64_t deadline_ns);
struct timespec deadline_timespec(int64_t deadline_ns);

/* Waits until `fd` is ready for `events`, as in poll(2). Returns revents, or -ETIMEDOUT. */
int deadline_wait_fd(int64_t deadline_ns, int fd, short events);

/* Sleeps for the duration, at most until the deadline. */
void deadline_pause(int64_t deadline_ns, int64_t duration_ns);

/*
 * Parses "500ms", "2s", "1.5m", "1h", or a number of seconds.
 * Errors: -EINVAL, not a duration; -ERANGE, more than a year.
 */
int duration_parse(const char *text, int64_t *ret_duration_ns);

#endif
