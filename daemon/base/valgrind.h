/* SPDX-License-Identifier: MIT */
#ifndef MINIMIO_DAEMON_BASE_VALGRIND_H
#define MINIMIO_DAEMON_BASE_VALGRIND_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether valgrind runs this program: it refuses a child that shares descriptors, and /proc/self/exe is valgrind. */
static inline bool is_under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded && strstr(preloaded, "/vgpreload_");
}

#endif
