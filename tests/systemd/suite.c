/* SPDX-License-Identifier: MIT */
/*
 * minimiod under a real systemd: each script of tests/systemd is a test, in a box of its own. One that is not possible
 * here, as not root's, says why and is skipped.
 */
#include "tests/process.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *systemd_suite(void);

#define SKIPPED   77
#define BOX_MS    150000 /* beyond what the box itself lives at most */
#define TIMEOUT_S 160

static const char *const themes[] = {"activation", "configuration", "confinement", "handover", "notify",
                                     "restarts",   "start",         "units",       "users",    "watchdog"};

START_TEST(under_systemd)
{
    struct process script;
    char path[64];
    int result;

    snprintf(path, sizeof path, "tests/systemd/%s.sh", themes[_i]);
    process_start(&script, false, (const char *const[]){path, NULL});
    result = process_wait(&script, BOX_MS);
    if (result == SKIPPED)
        fprintf(stderr, "%s %s", path, script.out.text);
    else if (result != 0)
        ck_abort_msg("%s ended with %d:\n%s%s", path, result, script.out.text, script.err.text);
    process_free(&script);
}
END_TEST

/* A sanitizer and valgrind need more of the machine than the unit allows. */
static bool is_plain_build(void)
{
    if (sizeof(void *) < 8) {
        fprintf(stderr, "systemd: the unit has the system's own architecture alone\n");
        return false;
    }
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#else
    return !getenv("MINIMIO_VALGRIND");
#endif
}

Suite *systemd_suite(void)
{
    Suite *suite = suite_create("systemd");
    TCase *tests = tcase_create("box");

    tcase_set_timeout(tests, TIMEOUT_S);
    if (is_plain_build())
        tcase_add_loop_test(tests, under_systemd, 0, (int)(sizeof themes / sizeof themes[0]));
    suite_add_tcase(suite, tests);
    return suite;
}
