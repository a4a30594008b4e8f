/* SPDX-License-Identifier: MIT */
/* Prints the summaries: a table with the ratios first, or one JSON object. */
#ifndef MINIMIO_BENCH_REPORT_H
#define MINIMIO_BENCH_REPORT_H

#include "bench/library/summary.h"

void report_table(const struct results *results, const struct summary *summaries, size_t count,
                  const struct bar bars[BARS]);
void report_json(const struct results *results, const struct summary *summaries, size_t count,
                 const struct bar bars[BARS]);

#endif
