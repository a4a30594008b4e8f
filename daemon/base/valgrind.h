/* SPDX-License-Identifier: MIT */
#ifndef MINIMIO_DAEMON_BASE_VALGRIND_H
#define MINIMIO_DAEMON_BASE_VALGRIND_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether the program runs under valgrind, which does not support CLONE_FILES, and where /proc/self/exe is valgrind
 * itself. */
static inline bool is_under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    return preloaded && strstr(preloaded, "/vgpreload_");
}

#endif
