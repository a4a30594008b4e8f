/* SPDX-License-Identifier: MIT */
/* INVARIANT with NDEBUG: an invariant that holds does nothing, and a violated invariant ends the process with a line.
 */
#ifndef NDEBUG
#define NDEBUG
#endif
#include "daemon/base/invariant.h"

#include "tests/unit/fixture.h"

#include <check.h>

Suite *unit_invariants_suite(void);

static int evaluated;

static int evaluate(int value)
{
    evaluated++;
    return value;
}

START_TEST(an_invariant_that_holds_is_evaluated_once)
{
    INVARIANT(evaluate(1));
    ck_assert_int_eq(evaluated, 1);
}
END_TEST

static void violate(void)
{
    INVARIANT(evaluate(0) == 2);
}

START_TEST(a_violated_invariant_logs_its_place_and_aborts)
{
    fixture_expect_violation(violate, "not true: evaluate(0) == 2");
}
END_TEST

Suite *unit_invariants_suite(void)
{
    Suite *suite = suite_create("unit_invariants");
    TCase *tests = tcase_create("invariants");

    tcase_add_test(tests, an_invariant_that_holds_is_evaluated_once);
    tcase_add_test(tests, a_violated_invariant_logs_its_place_and_aborts);
    suite_add_tcase(suite, tests);
    return suite;
}
