/* SPDX-License-Identifier: MIT */
/* Detects that this process was forked, without a system call. */
#ifndef MINIMIO_FORKS_H
#define MINIMIO_FORKS_H

#ifdef _WIN32

/* Windows has no fork. */
static inline unsigned forks_count(void)
{
    return 0;
}

#else

#include <stdatomic.h>

/* Starts counting forks; idempotent. Error: -ENOMEM. Callable from any thread. */
int forks_watch(void);

extern atomic_uint forks_counted __attribute__((__visibility__("hidden")));

/*
 * A number that differs between a parent and a child, once forks_watch has succeeded in either. Callable from any
 * thread and from signal handlers. A bare clone(2), which bypasses the C library's fork, is not counted.
 */
static inline unsigned forks_count(void)
{
    return atomic_load_explicit(&forks_counted, memory_order_relaxed);
}

#endif

#endif
