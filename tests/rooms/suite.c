/* SPDX-License-Identifier: MIT */
/* The check of the linters that holds the sources to the table of rooms. */
#include "tests/script.h"

#include <check.h>

Suite *rooms_suite(void);

#define SCRIPT_TIMEOUT_MS 200000 /* on a busy machine */

START_TEST(forbidden_arrows_and_cycles_are_found)
{
    run_script((const char *const[]){"tests/rooms/rooms.py", NULL}, SCRIPT_TIMEOUT_MS);
}
END_TEST

Suite *rooms_suite(void)
{
    Suite *suite = suite_create("rooms");
    TCase *tests = tcase_create("rooms");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, forbidden_arrows_and_cycles_are_found);
    suite_add_tcase(suite, tests);
    return suite;
}
