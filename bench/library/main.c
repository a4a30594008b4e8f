/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of an event and of a registration through libminimio, compared with bare epoll, libev, libevent and
 * libuv.
 *
 * usage: library [--json] [--json-file FILE] [--rounds N]
 *
 * In each round every peer does every workload once, on the same pairs of sockets; every second round runs in reverse
 * order. Ends after N rounds, or after the time limit, but not before five rounds.
 */
#include "bench/library/report.h"
#include "bench/library/workload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_UNLESS   25
#define ROUNDS_AT_LEAST 5
#define ALLOWED_S       75
#define STUCK_S         600 /* limit for a peer that loses an event, which would hang the bench */

const struct peer *const peers[PEERS] = {
    [MINIMIO] = &peer_minimio,   [EPOLL] = &peer_epoll, [LIBEV] = &peer_libev,
    [LIBEVENT] = &peer_libevent, [LIBUV] = &peer_libuv,
};
const char *const mode_names[MODES] = {[LEVEL] = "level", [EDGE] = "edge", [ONESHOT] = "oneshot"};
const char *const workload_names[WORKLOADS] = {
    [CHAIN] = "chain", [DISPATCH] = "dispatch", [REGISTER] = "register", [REREGISTER] = "reregister"};

static struct results results = {.rounds = ROUNDS_UNLESS, .pairs = {100, 1000, 10000}, .actives = {1, 10, 100, 1000}};

void need(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static double *sample(enum workload workload, int size, int active, enum mode mode, int peer, int round)
{
    struct cell *cell = &results.cells[workload][size][active][mode];

    cell->measured = true;
    return &cell->ns[peer][round];
}

static void measure_peer(int size, enum mode mode, int peer, int round)
{
    double *registering = sample(REGISTER, size, 0, mode, peer, round);

    register_all(peers[peer], mode, registering, sample(REREGISTER, size, 0, mode, peer, round));
    for (int i = 0; i < ACTIVES && results.actives[i] <= results.pairs[size]; i++) {
        *sample(DISPATCH, size, i, mode, peer, round) = dispatch_ns(peers[peer], mode, results.actives[i]);
        *sample(CHAIN, size, i, mode, peer, round) = chain_ns(peers[peer], results.actives[i]);
    }
    *registering += deregister_all(peers[peer]);
}

static void measure_round(int size, int round)
{
    for (enum mode mode = LEVEL; mode < MODES; mode++)
        for (int i = 0; i < PEERS; i++) {
            int peer = round % 2 ? PEERS - 1 - i : i;
            if (peers[peer]->has[mode])
                measure_peer(size, mode, peer, round);
        }
}

static double clock_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* With few descriptors the sizes are reduced to the number of pairs; duplicates are dropped. */
static void open_pairs(void)
{
    int opened = pairs_open(results.pairs[SIZES - 1]);

    errno = EMFILE;
    need(opened >= results.pairs[0], "pairs");
    for (int size = 1; size < SIZES; size++)
        if (results.pairs[size] > opened)
            results.pairs[size] = results.pairs[size - 1] < opened ? opened : 0;
}

static void measure(void)
{
    double begin_s = clock_s(CLOCK_MONOTONIC);
    int wanted = results.rounds;

    alarm(STUCK_S);
    open_pairs();
    for (results.rounds = 0; results.rounds < wanted; results.rounds++) {
        if (results.rounds >= ROUNDS_AT_LEAST && clock_s(CLOCK_MONOTONIC) - begin_s >= ALLOWED_S)
            break;
        for (int size = 0; size < SIZES && results.pairs[size] > 0; size++) {
            pairs_use(results.pairs[size]);
            measure_round(size, results.rounds);
        }
    }
    results.share = clock_s(CLOCK_PROCESS_CPUTIME_ID) / (clock_s(CLOCK_MONOTONIC) - begin_s);
    pairs_close();
}

int main(int argc, char **argv)
{
    static struct summary summaries[SUMMARIES_MAX];
    struct bar bars[BARS];
    const char *json_file = NULL; /* also receives the figures, as JSON */
    bool json = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--json-file") == 0 && i + 1 < argc)
            json_file = argv[++i];
        else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            results.rounds = atoi(argv[++i]);
        else
            results.rounds = 0;
    }
    if (results.rounds < 1 || results.rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: %s [--json] [--json-file FILE] [--rounds 1-%d]\n", argv[0], ROUNDS_MAX);
        return 2;
    }
    measure();
    size_t count = summarise(&results, summaries);
    judge(summaries, count, bars);
    (json ? report_json : report_table)(&results, summaries, count, bars);
    if (json_file) {
        if (!freopen(json_file, "w", stdout)) {
            perror(json_file);
            return EXIT_FAILURE;
        }
        report_json(&results, summaries, count, bars);
    }
    return EXIT_SUCCESS;
}
