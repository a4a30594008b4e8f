/* SPDX-License-Identifier: MIT */
/* Bad neighbours: clients that use as much of the daemon as possible. The measuring process acts as the neighbour
 * between its requests. */
#ifndef MINIMIO_BENCH_NEIGHBOURS_KINDS_H
#define MINIMIO_BENCH_NEIGHBOURS_KINDS_H

#include <stddef.h>

struct kind {
    const char *name;
    void (*begin)(void);
    void (*act)(void); /* takes the time of a few system calls, and never waits */
    void (*end)(void);
};

extern const struct kind kinds[];
extern const size_t kind_count;

#endif
