/* SPDX-License-Identifier: MIT */
/* Tests that are scripts or programs of their own, which say by their exit status whether they pass. */
#ifndef MINIMIO_TESTS_SCRIPT_H
#define MINIMIO_TESTS_SCRIPT_H

#include "tests/process.h"

/*
 * Runs the program that `arguments` begin with, NULL-ended, and requires that it succeeds within the time limit, which
 * the environment variable CK_TIMEOUT_MULTIPLIER multiplies, as it does the limits of Check. What
 * fails is told with the end of the output; the whole output is kept in $MINIMIO_BUILD/tests/failed/, as a message of
 * Check's has no room for it.
 *
 * Exit status 77, and each line "skipped: needs WHAT" on the standard output of a program that succeeds, is recorded by
 * test_skip (tests/skip.h).
 */
void run_script(const char *const *arguments, int timeout_ms);

/* The same for a program that ran until its end: `exit_code` is what process_wait returned. */
void script_ended(const char *const *arguments, const struct process *process, int exit_code);

#endif
