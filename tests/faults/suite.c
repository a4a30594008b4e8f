/* SPDX-License-Identifier: MIT */
/* What fails in the programs, and what comes of it: a sample of tests/faults; all of it is `make faults`. */
#include "tests/process.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

Suite *faults_suite(void);

#define SKIPPED    77
#define PATIENCE_S 300 /* on a machine that has much else to do */

START_TEST(what_fails_is_told_or_absorbed)
{
    const char *build = getenv("MINIMIO_BUILD");
    struct process process;
    int code;

    process_start(&process, false, (const char *const[]){"python3", "tests/faults/run.py", build, NULL});
    code = process_wait(&process, PATIENCE_S * 1000);
    if (code == SKIPPED)
        fprintf(stderr, "faults: %s", process.out.text);
    else if (code != 0)
        ck_abort_msg("faults ended with %d:\n%s%s", code, process.out.text, process.err.text);
    process_free(&process);
}
END_TEST

Suite *faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *tests = tcase_create("faults");

    tcase_set_timeout(tests, PATIENCE_S + 10);
    if (!getenv("MINIMIO_VALGRIND"))
        tcase_add_test(tests, what_fails_is_told_or_absorbed);
    suite_add_tcase(suite, tests);
    return suite;
}
