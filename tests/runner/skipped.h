/* SPDX-License-Identifier: MIT */
/* What the tests of a run have recorded with test_skip (tests/skip.h). */
#ifndef MINIMIO_TESTS_SKIPPED_H
#define MINIMIO_TESTS_SKIPPED_H

/* Prints the records of a file, grouped by what the tests need; equal records once. Nothing if there are none. */
void print_skipped(const char *path);

#endif
