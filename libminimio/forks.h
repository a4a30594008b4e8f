/* SPDX-License-Identifier: MIT */
/* Whether this process was forked since, without a system call to ask it. */
#ifndef MINIMIO_FORKS_H
#define MINIMIO_FORKS_H

#ifdef _WIN32

/* Processes are not forked. */
static inline unsigned forks_count(void)
{
    return 0;
}

#else

#include <stdatomic.h>

/* Begins to count; again and again has no effect. Error: -ENOMEM. Any thread. */
int forks_watch(void);

extern atomic_uint forks_counted __attribute__((__visibility__("hidden")));

/*
 * A number that is another one in a child than in its parent, once forks_watch has succeeded in any of them. Any
 * thread, signal handlers too. What the C library's fork does not know of, a bare clone, is not counted.
 */
static inline unsigned forks_count(void)
{
    return atomic_load_explicit(&forks_counted, memory_order_relaxed);
}

#endif

#endif
