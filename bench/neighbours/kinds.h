/* SPDX-License-Identifier: MIT */
/* Bad neighbours: each a client that takes what it can get, acted by the process that measures, between its requests.
 */
#ifndef MINIMIO_BENCH_NEIGHBOURS_KINDS_H
#define MINIMIO_BENCH_NEIGHBOURS_KINDS_H

#include <stddef.h>

struct kind {
    const char *name;
    void (*begin)(void);
    void (*act)(void); /* takes no longer than a system call or a few, and never waits */
    void (*end)(void);
};

extern const struct kind kinds[];
extern const size_t kind_count;

#endif
