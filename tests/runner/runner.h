/* SPDX-License-Identifier: MIT */
/*
 * Runs suites side by side: each in a process of its own, in which Check runs it as always. The output of a suite is
 * shown if it fails. The run ends with a table of the skipped tests, Check's lines of the failures, and one line in
 * Check's form with the totals.
 *
 *     JOBS=N                      how many suites run at a time; one more than there are processors by default
 *     CK_RUN_SUITE, CK_RUN_CASE   these suites, as patterns of the shell name them; this test case alone
 *     CK_RUN_TEST=NAME            the test of this name alone, in the suites above
 *     CK_FORK=suite               one process for the tests of a suite, unless they end, hang or fork their process: a
 *                                 sanitizer makes a fork slow, and looks for leaks at the end of each process
 *     CK_FORK=no, CK_..._LOG_FILE_NAME   one process, one Check runner, for debuggers and for log files
 */
#ifndef MINIMIO_TESTS_RUNNER_H
#define MINIMIO_TESTS_RUNNER_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

/* A suite, or one test case of a suite that takes long. The entries of one suite stand together. */
struct job {
    const char *suite; /* as CK_RUN_SUITE names it */
    Suite *(*make)(void);
    const char *test_case; /* NULL: every one */
    int seconds;           /* of time on a quiet machine; long jobs start first */
    bool alone;            /* nothing else of the run runs meanwhile */
    bool forks;            /* under CK_FORK=suite too each test has a process of its own */
};

/* Returns the exit status of the run. */
int run_jobs(const struct job *jobs, size_t count);

#endif
