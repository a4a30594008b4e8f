/* SPDX-License-Identifier: MIT */
/* The whole daemon against a model of it, and under many clients that come and die: tests/model. MINIMIO_LONG=1: ten
 * minutes of each. */
#include "tests/script.h"

#include <check.h>
#include <stdlib.h>

Suite *daemon_model_suite(void);

#define TIMEOUT_S      300
#define TIMEOUT_LONG_S 1500 /* ten minutes of this are the test's own */

static int timeout_s(void)
{
    return getenv("MINIMIO_LONG") ? TIMEOUT_LONG_S : TIMEOUT_S;
}

static void run(const char *what)
{
    run_script((const char *const[]){"tests/model/run.sh", what, NULL}, timeout_s() * 1000);
}

START_TEST(what_is_told_is_what_the_model_says)
{
    run("model");
}
END_TEST

START_TEST(after_many_clients_all_is_as_it_was)
{
    run("soak");
}
END_TEST

static TCase *case_of(const char *name)
{
    TCase *test_case = tcase_create(name);

    tcase_set_timeout(test_case, timeout_s() + 20);
    return test_case;
}

Suite *daemon_model_suite(void)
{
    Suite *suite = suite_create("daemon_model");
    TCase *model = case_of("model"), *soak = case_of("soak");

    tcase_add_test(model, what_is_told_is_what_the_model_says);
    suite_add_tcase(suite, model);
    if (!getenv("MINIMIO_VALGRIND")) /* it would measure the memory and the time of valgrind */
        tcase_add_test(soak, after_many_clients_all_is_as_it_was);
    suite_add_tcase(suite, soak);
    return suite;
}
