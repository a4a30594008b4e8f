/* SPDX-License-Identifier: MIT */
/* The C library's own allocator, for programs and preloaded libraries that define malloc, calloc and realloc. */
#ifndef MINIMIO_TESTS_LIBC_ALLOC_H
#define MINIMIO_TESTS_LIBC_ALLOC_H

#include <stdlib.h> /* defines the macros of the C library in use */

#ifdef __GLIBC__
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);
#else
/* Where the C library has no second names for them. dlsym of such a library, musl, allocates nothing when it succeeds.
 */
#include <dlfcn.h>

static inline void *__libc_malloc(size_t size)
{
    return ((void *(*)(size_t))dlsym(RTLD_NEXT, "malloc"))(size);
}

static inline void *__libc_calloc(size_t count, size_t size)
{
    return ((void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc"))(count, size);
}

static inline void *__libc_realloc(void *memory, size_t size)
{
    return ((void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc"))(memory, size);
}

static inline void __libc_free(void *memory)
{
    ((void (*)(void *))dlsym(RTLD_NEXT, "free"))(memory);
}
#endif

#endif
