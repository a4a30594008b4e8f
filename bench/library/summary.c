/* SPDX-License-Identifier: MIT */
/* Computes the summaries from the samples. Stateless. */
#include "bench/library/summary.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(const double *values, int count)
{
    double sorted[ROUNDS_MAX];

    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    return sorted[count / 2];
}

static double median_ratio(const double *ours, const double *theirs, int count)
{
    double ratios[ROUNDS_MAX];

    for (int i = 0; i < count; i++)
        ratios[i] = ours[i] / theirs[i];
    return median(ratios, count);
}

/* Finds the cheapest mode among the library's modes that do the work of `mode`. */
static void find_best(const struct cell *modes, enum mode mode, int rounds, struct summary *summary)
{
    const double *best = NULL;

    for (enum mode other = LEVEL; other < MODES; other++) {
        if ((other == ONESHOT) != (mode == ONESHOT))
            continue;
        for (int peer = LIBEV; peer <= LIBUV; peer++) {
            const double *samples = modes[other].ns[peer];
            if (!peers[peer]->has[other] || (best && median(samples, rounds) >= median(best, rounds)))
                continue;
            best = samples;
            summary->best = peer;
        }
    }
    summary->to_best = median_ratio(modes[mode].ns[MINIMIO], best, rounds);
}

static void summarise_cell(const struct cell *modes, enum mode mode, int rounds, struct summary *summary)
{
    const struct cell *cell = &modes[mode];

    summary->mode = mode;
    for (int peer = 0; peer < PEERS; peer++)
        summary->ns[peer] = peers[peer]->has[mode] ? median(cell->ns[peer], rounds) : 0;
    summary->to_epoll = median_ratio(cell->ns[MINIMIO], cell->ns[EPOLL], rounds);
    find_best(modes, mode, rounds, summary);
}

size_t summarise(const struct results *results, struct summary *ret_summaries)
{
    size_t count = 0;

    for (enum workload workload = CHAIN; workload < WORKLOADS; workload++)
        for (int size = 0; size < SIZES; size++)
            for (int active = 0; active < ACTIVES; active++)
                for (enum mode mode = LEVEL; mode < MODES; mode++) {
                    const struct cell *modes = results->cells[workload][size][active];
                    if (!modes[mode].measured)
                        continue;
                    struct summary *summary = &ret_summaries[count++];
                    summary->workload = workload;
                    summary->pairs = results->pairs[size];
                    summary->active = workload <= DISPATCH ? results->actives[active] : 0;
                    summarise_cell(modes, mode, results->rounds, summary);
                }
    return count;
}

/* ---- Bars ------------------------------------------------------------------------------------------------------- */

static void count_in(struct bar *bar, const struct summary *summary, double ratio)
{
    bar->cells++;
    bar->kept += ratio <= bar->limit;
    if (ratio > bar->worst_ratio) {
        bar->worst_ratio = ratio;
        bar->worst = summary;
    }
}

void judge(const struct summary *summaries, size_t count, struct bar ret_bars[BARS])
{
    struct bar bars[BARS] = {
        [BAR_MANY_ACTIVE] = {.text = "of epoll's, 100 active and more", .limit = 1.05},
        [BAR_FEW_ACTIVE] = {.text = "of epoll's, fewer active", .limit = 1.15},
        [BAR_MOSTLY_BEST] = {.text = "of the best library's, in most cells", .limit = 1.00},
        [BAR_NEVER_BEHIND] = {.text = "of the best library's, in every cell", .limit = 1.05},
    };

    for (size_t i = 0; i < count; i++) {
        const struct summary *summary = &summaries[i];
        if (summary->active == 0 || summary->mode == ONESHOT)
            continue;
        count_in(&bars[summary->active >= 100 ? BAR_MANY_ACTIVE : BAR_FEW_ACTIVE], summary, summary->to_epoll);
        count_in(&bars[BAR_MOSTLY_BEST], summary, summary->to_best);
        count_in(&bars[BAR_NEVER_BEHIND], summary, summary->to_best);
    }
    for (int i = 0; i < BARS; i++)
        bars[i].met = i == BAR_MOSTLY_BEST ? 2 * bars[i].kept > bars[i].cells : bars[i].kept == bars[i].cells;
    memcpy(ret_bars, bars, sizeof bars);
}
