/* SPDX-License-Identifier: MIT */
/* A sample of tests/faults: each call of the programs that fails is told or absorbed. CI has a larger one, and
 * `make faults` runs them all. */
#include "tests/script.h"

#include <check.h>
#include <stdlib.h>

Suite *faults_suite(void);

#define PATIENCE_S 300  /* on a busy machine */
#define ONE_IN     "10" /* calls */

START_TEST(what_fails_is_told_or_absorbed)
{
    run_script(
        (const char *const[]){"python3", "tests/faults/run.py", getenv("MINIMIO_BUILD"), "--one-in", ONE_IN, NULL},
        PATIENCE_S * 1000);
}
END_TEST

Suite *faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *tests = tcase_create("faults");

    tcase_set_timeout(tests, PATIENCE_S + 10);
    tcase_add_test(tests, what_fails_is_told_or_absorbed);
    suite_add_tcase(suite, tests);
    return suite;
}
