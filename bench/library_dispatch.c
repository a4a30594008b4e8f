/* SPDX-License-Identifier: MIT */
/*
 * What an event costs through libminimio, beside the same wait on bare epoll.
 *
 * usage: library_dispatch [ROUNDS]
 *
 * 1,000 eventfds are registered, of which 1, 100 or 1,000 are ready all the time (level-triggered). Rounds of the two
 * ways take turns, so that both meet the same noise; what is printed is the median of each and the ratio of them.
 */
#include "libminimio/minimio.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>

#define DESCRIPTORS    1000
#define EVENTS_A_ROUND 200000
#define ROUNDS_UNLESS  101
#define NS_PER_S       INT64_C(1000000000)

static struct minimio_poll *queue;
static struct minimio_registrator *registrator;
static int epoll_fd;
static int fds[DESCRIPTORS];
static uint64_t sum; /* of tokens, so that nothing is optimised away */

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void set_up(void)
{
    struct rlimit limit;

    need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    limit.rlim_cur = limit.rlim_max;
    need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    need(minimio_poll_new(&queue) == 0, "minimio_poll_new");
    registrator = minimio_poll_registrator(queue);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    need(registrator && epoll_fd >= 0, "epoll_create1");
    for (int i = 0; i < DESCRIPTORS; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = (uint64_t)i};
        fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        need(fds[i] >= 0, "eventfd");
        need(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event) == 0, "epoll_ctl");
        need(minimio_registrator_register_fd(registrator, fds[i], (minimio_token)i, MINIMIO_READABLE, MINIMIO_LEVEL) ==
                 0,
             "minimio_registrator_register_fd");
    }
}

/* Nanoseconds an event, in picoseconds' grain. */
static double round_of_epoll(int active)
{
    static struct epoll_event events[DESCRIPTORS];
    int64_t begin = now_ns();

    for (int total = 0; total < EVENTS_A_ROUND;) {
        int count = epoll_wait(epoll_fd, events, DESCRIPTORS, -1);
        need(count == active, "epoll_wait");
        for (int i = 0; i < count; i++)
            sum += events[i].events & EPOLLIN ? events[i].data.u64 : 0;
        total += count;
    }
    return (double)(now_ns() - begin) / EVENTS_A_ROUND;
}

static double round_of_minimio(int active)
{
    static struct minimio_event events[DESCRIPTORS];
    int64_t begin = now_ns();

    for (int total = 0; total < EVENTS_A_ROUND;) {
        int count = minimio_poll_poll(queue, events, DESCRIPTORS, MINIMIO_FOREVER);
        need(count == active, "minimio_poll_poll");
        for (int i = 0; i < count; i++)
            sum += minimio_event_is_readable(&events[i]) ? minimio_event_id(&events[i]) : 0;
        total += count;
    }
    return (double)(now_ns() - begin) / EVENTS_A_ROUND;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

static void measure(int active, size_t rounds)
{
    double *epoll = calloc(rounds, sizeof(*epoll));
    double *minimio = calloc(rounds, sizeof(*minimio));

    need(epoll && minimio, "calloc");
    for (size_t i = 0; i < rounds; i++) {
        epoll[i] = round_of_epoll(active);
        minimio[i] = round_of_minimio(active);
    }
    double bare = median(epoll, rounds), ours = median(minimio, rounds);
    printf("library_dispatch: %4d active: epoll %7.1f ns/event, libminimio %7.1f ns/event, ratio %.3f\n", active, bare,
           ours, ours / bare);
    free(epoll);
    free(minimio);
}

int main(int argc, char **argv)
{
    static const int steps[] = {1, 100, 1000};
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : ROUNDS_UNLESS;
    int ready = 0;

    if (rounds < 1 || argc > 2) {
        fprintf(stderr, "usage: %s [ROUNDS]\n", argv[0]);
        return 2;
    }
    set_up();
    for (size_t i = 0; i < 3; i++) {
        for (; ready < steps[i]; ready++)
            need(eventfd_write(fds[ready], 1) == 0, "eventfd_write");
        measure(steps[i], (size_t)rounds);
    }
    minimio_registrator_free(registrator);
    minimio_poll_free(queue);
    return sum == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
