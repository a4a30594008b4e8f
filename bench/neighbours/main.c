/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of bad neighbours: the latency of requests of 200 sessions, with and without one neighbour of each
 * kind.
 *
 * One request at a time, and all 200 at once. Measurements with and without a neighbour alternate, so that other load
 * affects both. The measuring process acts as the neighbour between its requests, so the figure is the daemon's work,
 * not the neighbour's. With permission (root), the measuring process and the daemon have a realtime priority for these
 * few seconds; otherwise the scheduler would interrupt a busy daemon, but not an idle daemon.
 *
 * usage: BUILD/bench/neighbours, in the folder of BUILD/minimiod
 */
#include "bench/neighbours/kinds.h"
#include "bench/neighbours/service.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SESSIONS 200
#define PINGS    1000 /* per round */
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

/* Acts for as long as the measured requests took. */
static void act_for(const struct kind *kind, int64_t duration_ns)
{
    int64_t until = now_ns() + duration_ns;

    do
        kind->act();
    while (now_ns() < until);
}

/* The 99th percentile of the latency in microseconds, with `at_once` requests in flight, with the neighbour `kind`
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
    requests_done(sessions[0]); /* the neighbour has gone, and its requests are done */
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
    printf("99th percentile of the pings of %d sessions, with a neighbour that; at most %.1f x\n", SESSIONS, AT_MOST);
    printf("%-24s %7s %12s %12s %10s %9s\n", "", "at once", "alone, us", "beside, us", "its for 1", "ratio");
    for (size_t i = 0; i < kind_count; i++) {
        compare_with_and_without(1, &kinds[i]);
        compare_with_and_without(SESSIONS, &kinds[i]);
    }
    service_stop();
    return 0;
}
