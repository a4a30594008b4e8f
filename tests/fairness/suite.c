/* SPDX-License-Identifier: MIT */
/* What one user does, and how long another waits for it. */
#include "tests/script.h"

#include <check.h>
#include <stdlib.h>

Suite *fairness_suite(void);

#define PATIENCE_S 300 /* on a busy machine */

/* Each is a way in which a user could hold the daemon's thread. */
static const char *const attacks[] = {
    "lists_without_replies", "lists",       "batches_of_lists", "a_thousand_sessions",  "takeovers", "closed_loops",
    "ended_sessions",        "level_polls", "half_closed",      "backlogs_of_the_dead", "connects",
};

START_TEST(nobody_waits_for_another_user)
{
    run_script((const char *const[]){"python3", "tests/fairness/run.py", getenv("MINIMIO_BUILD"), "--only", attacks[_i],
                                     "--pings", "60", NULL},
               PATIENCE_S * 1000);
}
END_TEST

/* The daemon's processor time is judged, which a sanitizer multiplies. */
static bool is_plain_build(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    return true;
#endif
}

Suite *fairness_suite(void)
{
    Suite *suite = suite_create("fairness");
    TCase *tests = tcase_create("fairness");

    tcase_set_timeout(tests, PATIENCE_S + 10);
    if (is_plain_build())
        tcase_add_loop_test(tests, nobody_waits_for_another_user, 0, (int)(sizeof attacks / sizeof attacks[0]));
    suite_add_tcase(suite, tests);
    return suite;
}
