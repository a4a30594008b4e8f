/* SPDX-License-Identifier: MIT */
/*
 * What the samples come to: medians, ratios, and whether the bars are met.
 *
 * A ratio is the median of the rounds' own ratios: what is compared was measured within the same moment.
 */
#ifndef MINIMIO_BENCH_SUMMARY_H
#define MINIMIO_BENCH_SUMMARY_H

#include "bench/library/cells.h"

#include <stddef.h>

struct summary {
    enum workload workload;
    int pairs, active; /* active 0: registering */
    enum mode mode;
    double ns[PEERS]; /* 0: it has no such mode */
    double to_epoll;
    double to_best; /* of the libraries: by level or edge for both of these, by oneshot for oneshot */
    int best;
};

#define SUMMARIES_MAX (WORKLOADS * SIZES * ACTIVES * MODES)

/* Writes at most SUMMARIES_MAX; returns how many. */
size_t summarise(const struct results *results, struct summary *ret_summaries);

/* A bar on events under EDGE and LEVEL: of the cells that it speaks of, how many keep it, and which is furthest off. */
struct bar {
    const char *text;
    double limit;
    int cells, kept;
    const struct summary *worst;
    double worst_ratio;
    bool met;
};

enum { BAR_MANY_ACTIVE, BAR_FEW_ACTIVE, BAR_MOSTLY_BEST, BAR_NEVER_BEHIND, BARS };

void judge(const struct summary *summaries, size_t count, struct bar ret_bars[BARS]);

#endif
