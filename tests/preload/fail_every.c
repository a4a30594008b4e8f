/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a daemon under test: once it listens, every $FAIL_EVERY-th allocation fails, until main has returned:
 * what a coverage build writes then does not bear it.
 */
#include "tests/libc_alloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *old, size_t size);
EXPORT int listen(int fd, int backlog);

static atomic_long every, count;

static int fails(void)
{
    long n = atomic_load(&every);

    if (!n || atomic_fetch_add(&count, 1) % n != n - 1)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    return fails() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

static void stop(void)
{
    atomic_store(&every, 0);
}

int listen(int fd, int backlog)
{
    int (*next)(int, int);
    const char *asked = getenv("FAIL_EVERY");

    *(void **)&next = dlsym(RTLD_NEXT, "listen");
    atexit(stop);
    atomic_store(&every, asked ? atol(asked) : 0);
    return next(fd, backlog);
}
