/* SPDX-License-Identifier: MIT */
/*
 * Timers, embedded in the objects that use them, ordered by deadline on CLOCK_MONOTONIC. Starting and stopping a timer
 * costs a tree operation and no system call; the reactor asks for the earliest deadline.
 *
 * Owns no memory. Calls the timers' functions. Used by one thread only.
 */
#ifndef MINIMIO_DAEMON_BASE_TIMER_H
#define MINIMIO_DAEMON_BASE_TIMER_H

#include "daemon/base/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)

/* Zero a timer before the first use. */
struct timer {
    RB_ENTRY(timer) entry;
    int64_t deadline_ns;
    bool running;
    void (*expired)(struct timer *timer);
};

RB_HEAD(timer_tree, timer);

struct timers {
    struct timer_tree tree;
    int64_t now_ns; /* time of the last reading of the clock, at least one after each wait */
    bool passed;    /* `now_ns` is too old to start a timer from */
};

void timers_init(struct timers *timers);
void timers_read_clock(struct timers *timers);

/* Marks `now_ns` as too old: the next timer_start reads the clock first, unless the clock is read before. */
static inline void timers_let_pass(struct timers *timers)
{
    timers->passed = true;
}

/*
 * Calls `expired` of each timer whose deadline has passed, for at most `budget_ns`; later timers wait for the next
 * call. `expired` may start, stop and free any timer. Returns whether a timer has expired.
 */
bool timers_run(struct timers *timers, int64_t budget_ns);

/* Nanoseconds until the earliest deadline, 0 if it has passed, -1 if no timer runs. */
int64_t timers_remaining_ns(const struct timers *timers);

/* Starts or restarts a timer. A delay that overflows int64_t nanoseconds never expires. */
void timer_start(struct timers *timers, struct timer *timer, uint64_t delay_ms, void (*expired)(struct timer *timer));
void timer_stop(struct timers *timers, struct timer *timer);

#endif
