/* SPDX-License-Identifier: MIT */
/* Owns the pairs of sockets, and measures the workloads: one thread, one set of pairs, one peer at a time. */
#include "bench/library/workload.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DISPATCHED     5000 /* events, */
#define TURNS_AT_LEAST 20   /* if reached in as many turns */
#define CHAINS         10
#define CHAIN_WRITES   400 /* by handlers; before the chain one write for each active pair */
#define SPARE_FDS      64  /* for the peers, and descriptors already open */
#define CLOCK_SAMPLES  1000

static int pairs; /* in use */
static int pairs_opened;
static int *readers, *writers;

static bool with_io;
static int handled;
static int writes_left;

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* For long measurements: other load on the machine does not count. */
static int64_t cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

/* ---- Pairs ------------------------------------------------------------------------------------------------------ */

/* Root may also raise the hard limit. */
static int descriptors_allowed(int wanted)
{
    struct rlimit limit, more;

    need(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
    more = limit;
    if (more.rlim_max < (rlim_t)wanted)
        more.rlim_max = (rlim_t)wanted;
    more.rlim_cur = more.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &more) == 0)
        return wanted;
    limit.rlim_cur = limit.rlim_max;
    need(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    return limit.rlim_max < (rlim_t)wanted ? (int)limit.rlim_max : wanted;
}

int pairs_open(int wanted)
{
    pairs_opened = (descriptors_allowed(2 * wanted + SPARE_FDS) - SPARE_FDS) / 2;
    readers = calloc((size_t)pairs_opened, sizeof *readers);
    writers = calloc((size_t)pairs_opened, sizeof *writers);
    need(readers && writers, "calloc");
    for (int i = 0; i < pairs_opened; i++) {
        int fds[2];
        need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0, "socketpair");
        readers[i] = fds[0];
        writers[i] = fds[1];
    }
    return pairs_opened;
}

void pairs_close(void)
{
    for (int i = 0; i < pairs_opened; i++) {
        close(readers[i]);
        close(writers[i]);
    }
    free(readers);
    free(writers);
}

void pairs_use(int count)
{
    pairs = count;
}

static void put_byte(int index)
{
    need(write(writers[index], "x", 1) == 1, "write");
}

static void take_byte(int index)
{
    char byte;

    need(read(readers[index], &byte, 1) == 1, "read");
}

static int active_pair(int i, int active)
{
    return i * (pairs / active);
}

void handle(int index)
{
    handled++;
    if (!with_io)
        return;
    take_byte(index);
    if (writes_left > 0) {
        writes_left--;
        put_byte(index + 1 < pairs ? index + 1 : 0);
    }
}

/* ---- Registering ------------------------------------------------------------------------------------------------ */

static double each_pair_ns(const struct peer *peer, void (*operation)(int))
{
    int64_t begin = cpu_ns();

    for (int i = 0; i < pairs; i++)
        operation(i);
    if (peer->flush)
        peer->flush();
    return (double)(cpu_ns() - begin) / pairs;
}

void register_all(const struct peer *peer, enum mode mode, double *ret_register_ns, double *ret_reregister_ns)
{
    peer->open(readers, pairs, mode);
    *ret_register_ns = each_pair_ns(peer, peer->add);
    *ret_reregister_ns = each_pair_ns(peer, peer->change);
}

double deregister_all(const struct peer *peer)
{
    double removing_ns = each_pair_ns(peer, peer->remove);
    int64_t begin = cpu_ns();

    peer->close();
    return removing_ns + (double)(cpu_ns() - begin) / pairs;
}

/* ---- Events ----------------------------------------------------------------------------------------------------- */

static void turn_until_handled(const struct peer *peer, int count)
{
    while (handled < count)
        peer->turn();
}

/* The cost of reading the clock, which matters for a short turn. */
static int64_t clock_cost_ns(void)
{
    static int64_t cost_ns;

    if (cost_ns == 0) {
        int64_t begin = read_clock(CLOCK_MONOTONIC), now = begin;
        for (int i = 0; i < CLOCK_SAMPLES; i++)
            now = read_clock(CLOCK_MONOTONIC);
        cost_ns = (now - begin) / CLOCK_SAMPLES;
    }
    return cost_ns;
}

static double dispatch_turn_ns(const struct peer *peer, enum mode mode, int active)
{
    if (mode == EDGE)
        for (int i = 0; i < active; i++)
            peer->change(active_pair(i, active));
    handled = 0;
    int64_t begin = read_clock(CLOCK_MONOTONIC);
    turn_until_handled(peer, active);
    return (double)(read_clock(CLOCK_MONOTONIC) - begin - clock_cost_ns()) / active;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double dispatch_ns(const struct peer *peer, enum mode mode, int active)
{
    static double turns_ns[DISPATCHED];
    size_t turns = (size_t)(DISPATCHED / active < TURNS_AT_LEAST ? TURNS_AT_LEAST : DISPATCHED / active);

    with_io = false;
    for (int i = 0; i < active; i++)
        put_byte(active_pair(i, active));
    /* The first turns fill caches and allocate room for the events. */
    handled = 0;
    turn_until_handled(peer, active);
    for (size_t i = 0; i < turns; i++)
        turns_ns[i] = dispatch_turn_ns(peer, mode, active);
    for (int i = 0; i < active; i++)
        take_byte(active_pair(i, active));
    qsort(turns_ns, turns, sizeof *turns_ns, compare);
    return turns_ns[turns / 2];
}

static double one_chain_ns(const struct peer *peer, int active)
{
    int64_t begin = cpu_ns();

    writes_left = CHAIN_WRITES;
    handled = 0;
    for (int i = 0; i < active; i++)
        put_byte(active_pair(i, active));
    turn_until_handled(peer, active + CHAIN_WRITES);
    return (double)(cpu_ns() - begin) / handled;
}

double chain_ns(const struct peer *peer, int active)
{
    double least_ns = 0;

    with_io = true;
    for (int i = 0; i < CHAINS; i++) {
        double ns = one_chain_ns(peer, active);
        if (i == 0 || ns < least_ns)
            least_ns = ns;
    }
    return least_ns;
}
