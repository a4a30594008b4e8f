/* SPDX-License-Identifier: MIT */
/* The scripts of the linters: rooms.py checks the table of rooms, prose.py counts pronouns. */
#include "tests/script.h"

#include <check.h>

Suite *rooms_suite(void);

#define SCRIPT_TIMEOUT_MS 200000 /* on a busy machine */

START_TEST(forbidden_arrows_and_cycles_are_found)
{
    run_script((const char *const[]){"tests/rooms/rooms.py", NULL}, SCRIPT_TIMEOUT_MS);
}
END_TEST

START_TEST(pronouns_are_counted_in_prose_alone)
{
    run_script((const char *const[]){"tests/rooms/prose.py", NULL}, SCRIPT_TIMEOUT_MS);
}
END_TEST

Suite *rooms_suite(void)
{
    Suite *suite = suite_create("rooms");
    TCase *tests = tcase_create("rooms");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, forbidden_arrows_and_cycles_are_found);
    tcase_add_test(tests, pronouns_are_counted_in_prose_alone);
    suite_add_tcase(suite, tests);
    return suite;
}
