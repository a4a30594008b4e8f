/* SPDX-License-Identifier: MIT */
/*
 * A figure is a cost of minimiod, compared with the cost of a floor or a peer in the same round, and the bar for the
 * cost.
 *
 * Every figure is a cost, so every bar is an upper limit: a required speed of at least 0.8 is a cost of at most 1.25.
 * Medians are taken over rounds; a ratio is the median of the rounds' ratios.
 */
#ifndef MINIMIO_BENCH_FIGURES_H
#define MINIMIO_BENCH_FIGURES_H

#include <stdbool.h>

#define ROUNDS_MAX 51

struct figure_info {
    const char *group; /* the argument of `--only` */
    const char *name;
    const char *unit;
    const char *beside; /* the reference that the limit is a multiple of; NULL: the limit is in `unit` */
    double limit;       /* 0: for comparison only, without a bar */
};

/* Adds the sample of a round. `info` identifies the figure, and must stay valid. `beside` is ignored if the figure
 * has no reference. */
void figure_sample(const struct figure_info *info, double ours, double beside);

/* Records the reason why a group is not measured. */
void figure_skip(const char *group, const char *reason);

/* Prints all figures, in the order of their first samples. Returns whether every bar is met. */
bool figures_print_table(void);
bool figures_print_markdown(void);
bool figures_print_json(void);

#endif
