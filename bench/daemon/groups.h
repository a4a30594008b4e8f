/* SPDX-License-Identifier: MIT */
/* The groups of figures. Each group runs all its rounds, alternating between minimiod and the references. */
#ifndef MINIMIO_BENCH_GROUPS_H
#define MINIMIO_BENCH_GROUPS_H

struct plan {
    const char *build; /* the folder of minimiod */
    int rounds;
};

void measure_events(const struct plan *plan);
void measure_latency(const struct plan *plan);
void measure_growth(const struct plan *plan);
void measure_requests(const struct plan *plan);
void measure_registers(const struct plan *plan);
void measure_memory(const struct plan *plan);
void measure_lookups(const struct plan *plan);

#endif
