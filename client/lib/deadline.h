/* SPDX-License-Identifier: MIT */
/*
 * Durations as people write them, and deadlines: points of CLOCK_MONOTONIC in nanoseconds, so that one limit can hold
 * over many waits and no change of the clock on the wall moves it.
 */
#ifndef MINIMIO_CLIENT_LIB_DEADLINE_H
#define MINIMIO_CLIENT_LIB_DEADLINE_H

#include <stdint.h>
#include <time.h>

#define NS_PER_MS      INT64_C(1000000)
#define NS_PER_S       INT64_C(1000000000)
#define DEADLINE_NEVER INT64_MAX

int64_t now_ns(void);

/* The deadline that far from now; a negative duration: never. */
int64_t deadline_in(int64_t duration_ns);
/* Whole milliseconds, rounded up. */
int64_t milliseconds_of(int64_t duration_ns);
int64_t deadline_sooner(int64_t left, int64_t right);

/* What is left until a deadline: 0 when it has passed, negative for never. */
int64_t deadline_left_ns(int64_t deadline_ns);
struct timespec deadline_timespec(int64_t deadline_ns);

/* Waits until `fd` is ready for `events` (poll's). Returns what it is ready for, or -ETIMEDOUT. */
int deadline_wait_fd(int64_t deadline_ns, int fd, short events);

/* Waits that long, or until the deadline if that comes first. */
void deadline_pause(int64_t deadline_ns, int64_t duration_ns);

/*
 * "500ms", "2s", "1.5m", "1h"; a plain number is in seconds.
 * Errors: -EINVAL, not such a text; -ERANGE, more than a year.
 */
int duration_parse(const char *text, int64_t *ret_duration_ns);

#endif
