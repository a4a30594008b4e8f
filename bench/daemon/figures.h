/* SPDX-License-Identifier: MIT */
/*
 * What was measured: a cost of ours beside a floor's or a peer's in the same round, and the bar that it is held to.
 *
 * Every figure is a cost, so that every bar reads "at most": what is wanted at least 0.8 times as fast is a cost of at
 * most 1.25. Medians are taken over rounds, those of ratios over the ratios within a round.
 */
#ifndef MINIMIO_BENCH_FIGURES_H
#define MINIMIO_BENCH_FIGURES_H

#include <stdbool.h>

#define ROUNDS_MAX 51

struct figure_info {
    const char *group; /* what `--only` names */
    const char *name;
    const char *unit;
    const char *beside; /* what the limit is a multiple of; NULL: the limit is in the unit itself */
    double limit;       /* 0: for comparison only, there is no bar */
};

/* Adds the sample of a round. `info` must last; it tells which figure it is. `beside` is ignored where there is none.
 */
void figure_sample(const struct figure_info *info, double ours, double beside);

/* Says why a group is not measured. */
void figure_skip(const char *group, const char *reason);

/* Prints all that was sampled, in the order in which it first was. Returns whether every bar was met. */
bool figures_print_table(void);
bool figures_print_markdown(void);
bool figures_print_json(void);

#endif
