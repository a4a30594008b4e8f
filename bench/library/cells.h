/* SPDX-License-Identifier: MIT */
/* The table of samples: one sample for each workload, size, mode, peer and round. */
#ifndef MINIMIO_BENCH_CELLS_H
#define MINIMIO_BENCH_CELLS_H

#include "bench/library/peer.h"

enum workload { CHAIN, DISPATCH, REGISTER, REREGISTER, WORKLOADS };

#define ROUNDS_MAX 101
#define SIZES      3 /* numbers of pairs */
#define ACTIVES    4 /* numbers of active pairs; registering uses only the first column */

struct cell {
    bool measured;
    double ns[PEERS][ROUNDS_MAX];
};

struct results {
    int rounds;
    double
        share; /* share of a processor that the bench had: well below 1 on a busy machine, where single cells deviate */
    int pairs[SIZES];
    int actives[ACTIVES];
    struct cell cells[WORKLOADS][SIZES][ACTIVES][MODES];
};

extern const struct peer *const peers[PEERS];
extern const char *const mode_names[MODES];
extern const char *const workload_names[WORKLOADS];

#endif
