/* SPDX-License-Identifier: MIT */
/* Allocation with failures on demand: the linker leads every call in the program here (--wrap). */
#include "tests/fail_alloc.h"

#include <windows.h>

#include <errno.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* Of the one thread that counts: what is local to a thread would be allocated, here, where allocations are counted. */
static volatile DWORD counting;
static long first_failure = -1;
static long allocations;

void fail_alloc_after(long n)
{
    counting = GetCurrentThreadId();
    first_failure = n;
    allocations = 0;
}

long fail_alloc_count(void)
{
    return allocations;
}

bool fail_alloc_works(void)
{
    fail_alloc_after(-1);
    return true;
}

static bool fails(void)
{
    if (counting != GetCurrentThreadId())
        return false;
    allocations++;
    if (first_failure < 0 || allocations < first_failure)
        return false;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}
