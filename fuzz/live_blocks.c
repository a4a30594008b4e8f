/* SPDX-License-Identifier: MIT */
/* Owns the count of live blocks. Replaces malloc and its relatives, and passes each call on to the C library. */
#include "fuzz/live_blocks.h"

#if LIVE_BLOCKS_COUNTED

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

#define EXPORT __attribute__((visibility("default")))

static atomic_long live;

long live_blocks(void)
{
    return live;
}

static void *counted(void *memory)
{
    live += memory != NULL;
    return memory;
}

EXPORT void *malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

EXPORT void *calloc(size_t count, size_t size)
{
    return counted(__libc_calloc(count, size));
}

/* realloc(old, 0) frees the block and returns NULL. */
EXPORT void *realloc(void *old, size_t size)
{
    void *memory = __libc_realloc(old, size);

    if (!old)
        return counted(memory);
    live -= !memory && !size;
    return memory;
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    return counted(__libc_memalign(alignment, size));
}

EXPORT int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = counted(__libc_memalign(alignment, size));

    if (!memory)
        return ENOMEM;
    *ret_memory = memory;
    return 0;
}

EXPORT void free(void *memory)
{
    int kept = errno;

    live -= memory != NULL;
    __libc_free(memory);
    errno = kept;
}

#else

long live_blocks(void)
{
    return 0;
}

#endif
