/* SPDX-License-Identifier: MIT */
/* Names, on machines whose name servers and system files are a test's: in namespaces, as root. */
#include "tests/script.h"
#include "tests/skip.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

Suite *names_suite(void);

#define PATIENCE_S 600 /* on a busy machine */

/* getent of glibc is what is agreed with, and its resolver is what is hurried. */
#ifdef __GLIBC__
#define IS_GLIBC true
#else
#define IS_GLIBC false
#endif

START_TEST(forty_set_ups_agree_with_the_system)
{
    TEST_NEEDS(IS_GLIBC, "a resolver of glibc's");
    run_script((const char *const[]){"python3", "tests/names/setups.py", getenv("MINIMIO_BUILD"), NULL},
               PATIENCE_S * 1000);
}
END_TEST

static const char *const groups[] = {"shares", "processes", "addresses"};

START_TEST(names_behave)
{
    TEST_NEEDS(IS_GLIBC, "a resolver of glibc's");
    run_script((const char *const[]){"python3", "tests/names/behaviour.py", getenv("MINIMIO_BUILD"), groups[_i], NULL},
               PATIENCE_S * 1000);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);

    tcase_set_timeout(tests, PATIENCE_S + 10);
    suite_add_tcase(suite, tests);
    return tests;
}

Suite *names_suite(void)
{
    Suite *suite = suite_create("names");

    tcase_add_test(add_case(suite, "setups"), forty_set_ups_agree_with_the_system);
    for (int i = 0; i < (int)(sizeof groups / sizeof groups[0]); i++)
        tcase_add_loop_test(add_case(suite, groups[i]), names_behave, i, i + 1);
    return suite;
}
