/* SPDX-License-Identifier: MIT */
/*
 * Timers: embedded in what they are for, ordered by their deadline on CLOCK_MONOTONIC. Starting and stopping cost a
 * tree operation and no system call; whoever waits asks for the earliest.
 */
#ifndef MINIMIO_DAEMON_BASE_TIMER_H
#define MINIMIO_DAEMON_BASE_TIMER_H

#include "daemon/base/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define NS_PER_MS INT64_C(1000000)

/* Zero it before its first use. */
struct timer {
    RB_ENTRY(timer) entry;
    int64_t deadline_ns;
    bool running;
    void (*expired)(struct timer *timer);
};

RB_HEAD(timer_tree, timer);

struct timers {
    struct timer_tree tree;
    int64_t now_ns; /* when the clock was read last: after each wait at least */
    bool passed;    /* time has passed since then that the next timer to be started is not to count from */
};

void timers_init(struct timers *timers);
void timers_read_clock(struct timers *timers);

/* What is timed from now on began no earlier: the next timer to be started reads the clock, if nobody does before. */
static inline void timers_let_pass(struct timers *timers)
{
    timers->passed = true;
}

/*
 * Calls `expired` of each timer whose deadline has passed, for at most `budget_ns`: the rest is left for the next call.
 * `expired` may start, stop and free any timer. Returns whether a timer has expired.
 */
bool timers_run(struct timers *timers, int64_t budget_ns);

/* Nanoseconds until the earliest deadline, 0 if it has passed, -1 if no timer runs. */
int64_t timers_remaining_ns(const struct timers *timers);

/* Starts, or starts again. A delay too long to be represented never ends. */
void timer_start(struct timers *timers, struct timer *timer, uint64_t delay_ms, void (*expired)(struct timer *timer));
void timer_stop(struct timers *timers, struct timer *timer);

#endif
