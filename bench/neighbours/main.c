/* SPDX-License-Identifier: MIT */
/*
 * What bad neighbours cost: the latency of requests of 200 sessions, alone, and beside one of each kind. One request at
 * a time, and all 200 at once; with and without in turns, so that whatever else the machine does comes to both. What
 * the neighbour does comes from the process that measures, between its requests: what is measured is the daemon's work,
 * not the neighbour's. Where it may (root), it and the daemon run before all other programs for these few seconds:
 * else a daemon that always has work is interrupted for others, and one that sleeps is not.
 *
 * usage: BUILD/bench/neighbours, beside BUILD/minimiod
 */
#include "bench/neighbours/kinds.h"
#include "bench/neighbours/service.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SESSIONS 200
#define PINGS    1000 /* a round */
#define ROUNDS   11
#define AT_MOST  1.3

static int sessions[SESSIONS];

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

static double rank(double *values, int count, double share)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[(int)(share * (count - 1))];
}

/* As much as it could have done while the requests before were answered. */
static void act_for(const struct kind *kind, int64_t duration_ns)
{
    int64_t until = now_ns() + duration_ns;

    do
        kind->act();
    while (now_ns() < until);
}

/* Microseconds within which 99 of 100 requests were answered, with so many under way at a time, beside this neighbour
 * or none. */
static double measure(int at_once, const struct kind *kind)
{
    static double took[PINGS];
    int64_t said[SESSIONS], duration_ns = 0;

    for (int done = 0, first = 0; done < PINGS; first = (first + at_once) % SESSIONS) {
        if (kind)
            act_for(kind, duration_ns);
        for (int i = 0; i < at_once; i++) {
            said[i] = now_ns();
            say_ping(sessions[first + i]);
        }
        for (int i = 0; i < at_once; i++) {
            await_reply(sessions[first + i]);
            took[done++] = (double)(now_ns() - said[i]) / 1e3;
        }
        duration_ns = now_ns() - said[0];
    }
    return rank(took, PINGS, 0.99);
}

static double measure_beside(int at_once, const struct kind *kind, double *ret_requests)
{
    long long before;
    double result;

    kind->begin();
    before = requests_done(sessions[0]) + PINGS;
    result = measure(at_once, kind);
    *ret_requests = (double)(requests_done(sessions[0]) - before) / PINGS;
    kind->end();
    requests_done(sessions[0]); /* it is gone, and what it asked for is done */
    return result;
}

static void compare_with_and_without(int at_once, const struct kind *kind)
{
    double without[ROUNDS], with[ROUNDS], ratios[ROUNDS], requests[ROUNDS], ratio;

    for (int round = 0; round < ROUNDS; round++) {
        without[round] = measure(at_once, NULL);
        with[round] = measure_beside(at_once, kind, &requests[round]);
        ratios[round] = with[round] / without[round];
    }
    ratio = rank(ratios, ROUNDS, 0.5);
    printf("%-24s %7d %12.1f %12.1f %10.1f %9.2f   %s\n", kind->name, at_once, rank(without, ROUNDS, 0.5),
           rank(with, ROUNDS, 0.5), rank(requests, ROUNDS, 0.5), ratio, ratio <= AT_MOST ? "ok" : "MISSED");
}

int main(int argc, char **argv)
{
    struct sched_param lowest = {.sched_priority = 1};
    bool first = sched_setscheduler(0, SCHED_FIFO, &lowest) == 0;

    (void)argc;
    service_start(argv[0]);
    keep_to_processor(0);
    if (!first)
        puts("not allowed to run before other programs: what they do is in these figures");
    for (int i = 0; i < SESSIONS; i++)
        sessions[i] = open_session();
    measure(1, NULL);
    printf("99 of 100 of %d sessions' pings, beside one who; at most %.1f x\n", SESSIONS, AT_MOST);
    printf("%-24s %7s %12s %12s %10s %9s\n", "", "at once", "alone, us", "beside, us", "its for 1", "ratio");
    for (size_t i = 0; i < kind_count; i++) {
        compare_with_and_without(1, &kinds[i]);
        compare_with_and_without(SESSIONS, &kinds[i]);
    }
    service_stop();
    return 0;
}
