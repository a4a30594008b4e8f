/* SPDX-License-Identifier: MIT */
/*
 * Tests that cannot run on this machine. Each skip is recorded with what the test needs, and the run ends with a table
 * of the records (tests/runner.c).
 *
 *     START_TEST(a_host_with_two_families)
 *     {
 *         TEST_NEEDS(has_ipv6(), "IPv6 on the loopback interface");
 *
 * A record is one line of the file that MINIMIO_SKIP_LOG names, "SUITE TAB TEST TAB NEEDS"; without the variable it is
 * printed to stderr. The runner sets MINIMIO_SKIP_LOG, and MINIMIO_SUITE to the name of the suite. A script that is
 * run by run_script() (tests/script.h) prints "skipped: needs WHAT" and exits with 77.
 *
 * MINIMIO_SKIP=never: a test that is skipped fails.
 */
#ifndef MINIMIO_TESTS_SKIP_H
#define MINIMIO_TESTS_SKIP_H

/* At the top of a test: unless `condition` holds, records the skip and returns from the test. `what` is a noun phrase
 * that completes "the test needs ...", without a full stop. */
#define TEST_NEEDS(condition, what)                                                                                    \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            test_skip(__func__, "%s", what);                                                                           \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

/*
 * Records that `test` is skipped, or a part of the test, for lack of what the format and its arguments say. A trailing
 * "_fn", which Check appends to the names of its functions, is removed. Records of tests that run at the same time do
 * not mix, and equal records are shown once.
 */
void test_skip(const char *test, const char *needs, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
