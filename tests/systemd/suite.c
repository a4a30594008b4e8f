/* SPDX-License-Identifier: MIT */
/* minimiod under a real systemd: each script of tests/systemd is a test case, in a box of its own. */
#include "tests/script.h"
#include "tests/skip.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

Suite *systemd_suite(void);

#define BOX_MS    150000 /* longer than a box lives at most */
#define TIMEOUT_S 160

static const char *const themes[] = {"activation", "configuration", "confinement", "handover", "last_copy", "notify",
                                     "restarts",   "start",         "strangers",   "units",    "users",     "watchdog"};

/* A sanitizer and valgrind need more of the machine than the unit allows. */
static bool is_plain_build(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    return sizeof(void *) == 8 && !getenv("MINIMIO_VALGRIND");
#endif
}

START_TEST(under_systemd)
{
    char path[64];

#ifndef HAVE_SYSTEMD
    TEST_NEEDS(false, "a daemon that is built with libsystemd");
#endif
    TEST_NEEDS(is_plain_build(), "a 64-bit build without a sanitizer");
    snprintf(path, sizeof path, "tests/systemd/%s.sh", themes[_i]);
    run_script((const char *const[]){path, NULL}, BOX_MS);
}
END_TEST

Suite *systemd_suite(void)
{
    Suite *suite = suite_create("systemd");

    for (int i = 0; i < (int)(sizeof themes / sizeof themes[0]); i++) {
        TCase *box = tcase_create(themes[i]);

        tcase_set_timeout(box, TIMEOUT_S);
        tcase_add_loop_test(box, under_systemd, i, i + 1);
        suite_add_tcase(suite, box);
    }
    return suite;
}
