/* SPDX-License-Identifier: MIT */
#include "daemon/base/timer.h"

#include <time.h>

static int timer_compare(const struct timer *left, const struct timer *right)
{
    if (left->deadline_ns != right->deadline_ns)
        return left->deadline_ns < right->deadline_ns ? -1 : 1;
    return left < right ? -1 : left > right;
}

/* Number of expired timers between two readings of the clock: one timer takes a few microseconds. */
#define TIMERS_PER_LOOK 8

TREE_GENERATE(timer_tree, timer, entry, timer_compare)

void timers_init(struct timers *timers)
{
    RB_INIT(&timers->tree);
    timers_read_clock(timers);
}

void timers_read_clock(struct timers *timers)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    timers->now_ns = (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
    timers->passed = false;
}

static bool run_expired(struct timers *timers, int64_t budget_ns)
{
    int64_t now_ns = timers->now_ns;
    struct timer *timer;
    int ran = 0;

    /* Look the first timer up again each time: the called timer may have freed the next. */
    while ((timer = RB_MIN(timer_tree, &timers->tree)) && timer->deadline_ns <= now_ns) {
        if (ran && ran % TIMERS_PER_LOOK == 0) {
            timers_read_clock(timers);
            if (timers->now_ns - now_ns >= budget_ns)
                break;
        }
        ran++;
        timer_stop(timers, timer);
        timer->expired(timer);
    }
    return ran > 0;
}

bool timers_run(struct timers *timers, int64_t budget_ns)
{
    return !RB_EMPTY(&timers->tree) && run_expired(timers, budget_ns);
}

int64_t timers_remaining_ns(const struct timers *timers)
{
    const struct timer *first = RB_MIN(timer_tree, (struct timer_tree *)&timers->tree);

    if (!first)
        return -1;
    return first->deadline_ns > timers->now_ns ? first->deadline_ns - timers->now_ns : 0;
}

void timer_start(struct timers *timers, struct timer *timer, uint64_t delay_ms, void (*expired)(struct timer *timer))
{
    uint64_t longest_ms;

    if (timers->passed)
        timers_read_clock(timers);
    longest_ms = (uint64_t)(INT64_MAX - timers->now_ns) / NS_PER_MS;
    timer_stop(timers, timer);
    timer->deadline_ns = delay_ms < longest_ms ? timers->now_ns + (int64_t)delay_ms * NS_PER_MS : INT64_MAX;
    timer->expired = expired;
    timer->running = true;
    RB_INSERT(timer_tree, &timers->tree, timer);
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    if (!timer->running)
        return;
    RB_REMOVE(timer_tree, &timers->tree, timer);
    timer->running = false;
}
