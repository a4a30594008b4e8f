/* SPDX-License-Identifier: MIT */
/*
 * The whole daemon against a model of it, and under many clients that come and die: tests/model. MINIMIO_LONG=1: ten
 * minutes of each. What is not installed is skipped, and said to be.
 */
#include "tests/process.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *daemon_model_suite(void);

#define TIMEOUT_S      300
#define TIMEOUT_LONG_S 1500 /* of which ten minutes are what is asked for */

static int timeout_s(void)
{
    return getenv("MINIMIO_LONG") ? TIMEOUT_LONG_S : TIMEOUT_S;
}

static void assert_holds(const char *what)
{
    struct process process;
    int code;

    process_start(&process, false, (const char *const[]){"tests/model/run.sh", what, NULL});
    code = process_wait(&process, timeout_s() * 1000);
    ck_assert_msg(code == 0, "%s%s", process.out.text, process.err.text);
    if (strncmp(process.out.text, "skipped", 7) == 0)
        fprintf(stderr, "the %s: %s", what, process.out.text);
    process_free(&process);
}

START_TEST(what_is_told_is_what_the_model_says)
{
    assert_holds("model");
}
END_TEST

START_TEST(after_many_clients_all_is_as_it_was)
{
    assert_holds("soak");
}
END_TEST

Suite *daemon_model_suite(void)
{
    Suite *suite = suite_create("daemon_model");
    TCase *tests = tcase_create("model");

    tcase_set_timeout(tests, timeout_s() + 20);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_is_told_is_what_the_model_says);
    if (!getenv("MINIMIO_VALGRIND")) /* whose memory and time would be looked at */
        tcase_add_test(tests, after_many_clients_all_is_as_it_was);
    return suite;
}
