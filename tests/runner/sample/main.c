/* SPDX-License-Identifier: MIT */
/* Suites for the tests of the runner: some pass, one fails, one crashes, one is skipped, one does not end. */
#include "tests/runner/runner.h"
#include "tests/skip.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(passes)
{
    puts("nobody reads this");
}
END_TEST

START_TEST(fails)
{
    puts("what led to it");
    ck_assert_int_eq(_i, 1);
}
END_TEST

START_TEST(crashes)
{
    abort();
}
END_TEST

START_TEST(is_skipped)
{
    TEST_NEEDS(_i > 1, "a second moon");
    TEST_NEEDS(false, "a third moon");
}
END_TEST

/* A grandchild in a session of its own, as a daemon is, whose parent has ended. It says its number on stderr. */
START_TEST(does_not_end)
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            FILE *file = fopen(getenv("SAMPLE_PID"), "w");

            fprintf(file, "%d\n", (int)getpid());
            fclose(file);
            pause();
        }
        _exit(0);
    }
    wait(NULL);
    pause();
}
END_TEST

static Suite *suite_of(const char *name, const TTest *test, int count)
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);

    tcase_add_loop_test(tests, test, 0, count);
    suite_add_tcase(suite, tests);
    return suite;
}

static Suite *passing_suite(void)
{
    return suite_of("passing", passes, 3);
}

static Suite *failing_suite(void)
{
    return suite_of("failing", fails, 2);
}

static Suite *crashing_suite(void)
{
    return suite_of("crashing", crashes, 1);
}

static Suite *skipping_suite(void)
{
    return suite_of("skipping", is_skipped, 4);
}

static Suite *lasting_suite(void)
{
    return suite_of("lasting", does_not_end, 1);
}

/* Dies before Check has counted anything. */
static Suite *broken_suite(void)
{
    _exit(3);
}

int main(void)
{
    static const struct job jobs[] = {
        {"passing", passing_suite, NULL, 1, false, false},   {"failing", failing_suite, NULL, 1, false, false},
        {"crashing", crashing_suite, NULL, 1, false, false}, {"skipping", skipping_suite, NULL, 1, true, false},
        {"lasting", lasting_suite, NULL, 1, false, false},   {"broken", broken_suite, NULL, 1, false, false},
    };
    size_t count = sizeof jobs / sizeof *jobs;

    if (getenv("CK_RUN_SUITE") || getenv("CK_RUN_CASE"))
        return run_jobs(jobs, count);
    return run_jobs(jobs, count - 2); /* all but lasting and broken */
}
