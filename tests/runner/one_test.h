/* SPDX-License-Identifier: MIT */
/* CK_RUN_TEST=NAME: of all tests that suites add, the test of this name alone is added. Check itself knows suites and
 * test cases only. The programs of the tests are linked with --wrap=_tcase_add_test. */
#ifndef MINIMIO_TESTS_ONE_TEST_H
#define MINIMIO_TESTS_ONE_TEST_H

#include <check.h>
#include <stdbool.h>

/* Whether a suite that `make` returns has a test to run. */
bool one_test_is_in(Suite *(*make)(void));

void __real__tcase_add_test(TCase *test_case, const TTest *test, int signal, int exit_value, int begin, int end);
void __wrap__tcase_add_test(TCase *test_case, const TTest *test, int signal, int exit_value, int begin, int end);

#endif
