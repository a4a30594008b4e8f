/* SPDX-License-Identifier: MIT */
/*
 * Makes memory allocations fail: the test program's own malloc, calloc and realloc stand in front of the C library's.
 * Counting and failing are the calling thread's alone, and off at its start.
 */
#ifndef MINIMIO_TESTS_FAIL_ALLOC_H
#define MINIMIO_TESTS_FAIL_ALLOC_H

#include <stdbool.h>

/* The n-th allocation from now (1: the next one) and all later ones fail; negative: none does. Counts from 0 again. */
void fail_alloc_after(long n);

/* How many allocations this thread has asked for since its last fail_alloc_after. */
long fail_alloc_count(void);

/* False under valgrind, which puts an allocator of its own in front of this one. Turns failing off. */
bool fail_alloc_works(void);

#endif
