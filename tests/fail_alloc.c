/* SPDX-License-Identifier: MIT */
/* Allocation with failures on demand. Under a sanitizer its allocator is the one behind, else the C library's. */
#include "tests/fail_alloc.h"

#include "tests/libc_alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *__interceptor_malloc(size_t size) __attribute__((weak));
void *__interceptor_calloc(size_t count, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *memory, size_t size) __attribute__((weak));

/* Called before a sanitizer has begun, and for it; so the compiler adds nothing. */
#define ALLOCATOR __attribute__((visibility("default"), no_sanitize("thread", "address", "undefined")))

/* Volatile: the compiler knows what malloc does, and that is not to read these. */
static _Thread_local volatile long first_failure = -1;
static _Thread_local volatile long count;

void fail_alloc_after(long n)
{
    first_failure = n;
    count = 0;
}

long fail_alloc_count(void)
{
    return count;
}

__attribute__((no_sanitize("thread", "address", "undefined"))) static bool fails(void)
{
    count = count + 1;
    if (first_failure < 0 || count < first_failure)
        return false;
    errno = ENOMEM;
    return true;
}

ALLOCATOR void *malloc(size_t size)
{
    if (fails())
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

ALLOCATOR void *calloc(size_t number, size_t size)
{
    if (fails())
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(number, size) : __libc_calloc(number, size);
}

ALLOCATOR void *realloc(void *memory, size_t size)
{
    if (fails())
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(memory, size) : __libc_realloc(memory, size);
}

bool fail_alloc_works(void)
{
    void *volatile memory;

    fail_alloc_after(1);
    memory = malloc(1);
    fail_alloc_after(-1);
    if (!memory)
        return true;
    free(memory);
    /* Anywhere else it would be these tests that are broken, and pass. */
    if (!getenv("LD_PRELOAD") || !strstr(getenv("LD_PRELOAD"), "vgpreload"))
        abort();
    return false;
}
