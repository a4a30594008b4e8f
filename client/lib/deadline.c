/* SPDX-License-Identifier: MIT */
/*
 * Durations, deadlines and waits. The file has no state.
 */
#include "client/lib/deadline.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_MAX_NS (INT64_C(366) * 24 * 3600 * NS_PER_S)

int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t deadline_in(int64_t duration_ns)
{
    int64_t now = now_ns();

    return duration_ns < 0 || duration_ns > DEADLINE_NEVER - now ? DEADLINE_NEVER : now + duration_ns;
}

int64_t milliseconds_of(int64_t duration_ns)
{
    return duration_ns / NS_PER_MS + (duration_ns % NS_PER_MS > 0);
}

int64_t deadline_sooner(int64_t left, int64_t right)
{
    return left < right ? left : right;
}

int64_t deadline_left_ns(int64_t deadline_ns)
{
    int64_t left;

    if (deadline_ns == DEADLINE_NEVER)
        return -1;
    left = deadline_ns - now_ns();
    return left > 0 ? left : 0;
}

struct timespec deadline_timespec(int64_t deadline_ns)
{
    return (struct timespec){.tv_sec = deadline_ns / NS_PER_S, .tv_nsec = deadline_ns % NS_PER_S};
}

int deadline_wait_fd(int64_t deadline_ns, int fd, short events)
{
    struct pollfd wanted = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = deadline_left_ns(deadline_ns);
        struct timespec timeout = deadline_timespec(left);
        int n = ppoll(&wanted, 1, left < 0 ? NULL : &timeout, NULL);

        if (n > 0)
            return wanted.revents;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0 && deadline_left_ns(deadline_ns) == 0)
            return -ETIMEDOUT;
    }
}

void deadline_pause(int64_t deadline_ns, int64_t duration_ns)
{
    struct timespec until = deadline_timespec(deadline_sooner(deadline_ns, deadline_in(duration_ns)));

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

/* The length of the number at the start of `text`: digits with an optional fraction; 0: no number. */
static size_t number_length(const char *text)
{
    static const char digits[] = "0123456789";
    size_t whole = strspn(text, digits);
    size_t fraction;

    if (whole == 0 || text[whole] != '.')
        return whole;
    fraction = strspn(text + whole + 1, digits);
    return fraction > 0 ? whole + 1 + fraction : 0;
}

static int unit_parse(const char *text, int64_t *ret_unit_ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"", NS_PER_S}, {"ms", NS_PER_MS}, {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}};

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(text, units[i].name) == 0) {
            *ret_unit_ns = units[i].ns;
            return 0;
        }
    return -EINVAL;
}

int duration_parse(const char *text, int64_t *ret_duration_ns)
{
    size_t length = number_length(text);
    int64_t unit_ns;
    double duration_ns;

    if (length == 0 || unit_parse(text + length, &unit_ns) < 0)
        return -EINVAL;
    duration_ns = strtod(text, NULL) * (double)unit_ns;
    if (duration_ns > (double)DURATION_MAX_NS)
        return -ERANGE;
    *ret_duration_ns = (int64_t)duration_ns;
    return 0;
}
