/* SPDX-License-Identifier: MIT */
/*
 * Counts the live blocks of memory in the process. The count is exact: unlike the sizes of mallinfo2(), the count does
 * not depend on caching, splitting or merging in the C library's allocator.
 */
#ifndef MINIMIO_FUZZ_LIVE_BLOCKS_H
#define MINIMIO_FUZZ_LIVE_BLOCKS_H

#include <features.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LIVE_BLOCKS_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIVE_BLOCKS_SANITIZED
#endif

/* A sanitizer replaces the allocator itself. AddressSanitizer reports leaks when the process exits. */
#if defined(__GLIBC__) && !defined(LIVE_BLOCKS_SANITIZED)
#define LIVE_BLOCKS_COUNTED 1
#else
#define LIVE_BLOCKS_COUNTED 0
#endif

/* Always 0 unless LIVE_BLOCKS_COUNTED. */
long live_blocks(void);

#endif
