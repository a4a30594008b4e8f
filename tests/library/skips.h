/* SPDX-License-Identifier: MIT */
/*
 * What a backend does not do, and why: a table of cases, printed with a run. A case that stands in it opens with
 * SKIP_WHERE_LISTED; one of which a part stands in it asks for that part by is_skipped.
 */
#ifndef MINIMIO_TESTS_LIBRARY_SKIPS_H
#define MINIMIO_TESTS_LIBRARY_SKIPS_H

#include <stdbool.h>

/* Returns from the case if the table has it for this backend. */
#define SKIP_WHERE_LISTED                                                                                              \
    if (is_skipped(__func__))                                                                                          \
    return

/* `function`: the case's name, whatever the test framework appends to it; or the name of a part. */
bool is_skipped(const char *function);

/* A line for each case that this backend skips. */
void print_skips(void);

#endif
