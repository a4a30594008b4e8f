/* SPDX-License-Identifier: MIT */
/* Allocation with failures on demand. Under a sanitizer its allocator is the one behind, else the C library's. */
#include "tests/fail_alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__interceptor_malloc(size_t size) __attribute__((weak));
void *__interceptor_calloc(size_t count, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *memory, size_t size) __attribute__((weak));

static _Thread_local long first_failure = -1;
static _Thread_local long count;

void fail_alloc_after(long n)
{
    first_failure = n;
    count = 0;
}

long fail_alloc_count(void)
{
    return count;
}

static bool fails(void)
{
    count++;
    if (first_failure < 0 || count < first_failure)
        return false;
    errno = ENOMEM;
    return true;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    if (fails())
        return NULL;
    return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t number, size_t size)
{
    if (fails())
        return NULL;
    return __interceptor_calloc ? __interceptor_calloc(number, size) : __libc_calloc(number, size);
}

__attribute__((visibility("default"))) void *realloc(void *memory, size_t size)
{
    if (fails())
        return NULL;
    return __interceptor_realloc ? __interceptor_realloc(memory, size) : __libc_realloc(memory, size);
}
