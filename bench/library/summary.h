/* SPDX-License-Identifier: MIT */
/*
 * Summaries of the samples: medians, ratios, and the results of the bars.
 *
 * A ratio is the median of the rounds' ratios, so the compared samples come from the same moment.
 */
#ifndef MINIMIO_BENCH_SUMMARY_H
#define MINIMIO_BENCH_SUMMARY_H

#include "bench/library/cells.h"

#include <stddef.h>

struct summary {
    enum workload workload;
    int pairs, active; /* active 0: registering */
    enum mode mode;
    double ns[PEERS]; /* 0: the peer lacks the mode */
    double to_epoll;
    double to_best; /* the best of the libraries: by level or edge for both modes, by oneshot for oneshot */
    int best;
};

#define SUMMARIES_MAX (WORKLOADS * SIZES * ACTIVES * MODES)

/* Writes at most SUMMARIES_MAX summaries; returns the number. */
size_t summarise(const struct results *results, struct summary *ret_summaries);

/* A bar for events under EDGE and LEVEL: how many of its cells meet the limit, and the worst cell. */
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
