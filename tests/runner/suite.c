/* SPDX-License-Identifier: MIT */
/* The runner of the tests itself, with the suites of tests/runner/sample. */
#include "tests/process.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *runner_suite(void);

static void set_up(void)
{
    static const char *const others[] = {"CK_RUN_SUITE", "CK_RUN_CASE", "CK_RUN_TEST",
                                         "CK_FORK",      "JOBS",        "MINIMIO_SKIP"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        unsetenv(others[i]);
}

static void start_sample(struct process *ret_process)
{
    process_start(ret_process, false, (const char *const[]){built_program("tests/runner_sample"), NULL});
}

static int run_sample(struct process *ret_process)
{
    start_sample(ret_process);
    return process_wait(ret_process, PROCESS_TIMEOUT_MS);
}

static void assert_says(const struct process *process, const char *text)
{
    ck_assert_msg(strstr(process->out.text, text) != NULL, "no '%s' in:\n%s", text, process->out.text);
}

static void assert_ends_with(const struct process *process, const char *text)
{
    size_t length = strlen(process->out.text);

    ck_assert_msg(length >= strlen(text) && strcmp(process->out.text + length - strlen(text), text) == 0,
                  "it does not end with '%s':\n%s", text, process->out.text);
}

START_TEST(a_run_counts_all_suites)
{
    struct process process;

    ck_assert_int_eq(run_sample(&process), EXIT_FAILURE);
    assert_says(&process, "4 suites, ");
    assert_says(&process, "/4] passing: 3 checks, ");
    assert_says(&process, "/4] failing: 2 checks, FAILED, ");
    assert_ends_with(&process, "\n80%: Checks: 10, Failures: 1, Errors: 1\n");
    process_free(&process);
}
END_TEST

START_TEST(the_output_of_a_failing_suite_is_shown)
{
    struct process process;

    ck_assert_int_eq(run_sample(&process), EXIT_FAILURE);
    assert_says(&process, "what led to it\n");
    assert_says(&process, ":F:failing:fails:0: Assertion '_i == 1' failed");
    assert_says(&process, ":E:crashing:crashes:0: ");
    ck_assert_ptr_null(strstr(process.out.text, "nobody reads this"));
    process_free(&process);
}
END_TEST

START_TEST(suites_are_chosen_by_patterns)
{
    struct process process;

    setenv("CK_RUN_SUITE", "pass* skipping", 1);
    ck_assert_int_eq(run_sample(&process), EXIT_SUCCESS);
    assert_ends_with(&process, "\n100%: Checks: 7, Failures: 0, Errors: 0\n");
    process_free(&process);
}
END_TEST

START_TEST(one_test_runs_by_its_name)
{
    struct process process;

    setenv("CK_RUN_TEST", "passes", 1);
    ck_assert_int_eq(run_sample(&process), EXIT_SUCCESS);
    assert_says(&process, "1 suite, ");
    assert_ends_with(&process, "\n100%: Checks: 3, Failures: 0, Errors: 0\n");
    process_free(&process);
    setenv("CK_RUN_TEST", "passes_not", 1);
    ck_assert_int_eq(run_sample(&process), 2);
    ck_assert_str_eq(process.err.text, "no suite of these has the test 'passes_not'\n");
    process_free(&process);
}
END_TEST

START_TEST(one_process_runs_a_suite_that_needs_no_more)
{
    struct process process;

    setenv("CK_FORK", "suite", 1);
    ck_assert_int_eq(run_sample(&process), EXIT_FAILURE);
    assert_says(&process, "/4] crashing: 1 check, FAILED, ");
    assert_says(&process, "crashing:suite:0: the suite's own process ended with signal 6");
    assert_says(&process, "/4] skipping: 4 checks, ");
    process_free(&process);
}
END_TEST

START_TEST(skips_are_told_once_and_by_what_is_needed)
{
    struct process process;

    setenv("CK_RUN_SUITE", "skipping", 1);
    ck_assert_int_eq(run_sample(&process), EXIT_SUCCESS);
    assert_ends_with(&process, "\nSkipped: 2 tests\n"
                               "  needs a second moon\n    skipping: is_skipped\n"
                               "  needs a third moon\n    skipping: is_skipped\n"
                               "\n100%: Checks: 4, Failures: 0, Errors: 0\n");
    process_free(&process);
}
END_TEST

START_TEST(skips_can_be_made_failures)
{
    struct process process;

    setenv("CK_RUN_SUITE", "skipping", 1);
    setenv("MINIMIO_SKIP", "never", 1);
    ck_assert_int_eq(run_sample(&process), EXIT_FAILURE);
    assert_says(&process, "is_skipped needs a second moon");
    assert_ends_with(&process, "\n0%: Checks: 4, Failures: 4, Errors: 0\n");
    process_free(&process);
}
END_TEST

START_TEST(a_suite_that_dies_is_an_error)
{
    struct process process;

    setenv("CK_RUN_SUITE", "broken", 1);
    ck_assert_int_eq(run_sample(&process), EXIT_FAILURE);
    assert_says(&process, ":E:broken:suite:0: the suite's own process ended with status 3\n");
    assert_ends_with(&process, "\n0%: Checks: 1, Failures: 0, Errors: 1\n");
    process_free(&process);
}
END_TEST

static const struct {
    const char *variable, *value, *message;
} refused[] = {
    {"CK_RUN_SUITE", "nothing", "no suite is named 'nothing'"},
    {"CK_RUN_SUITE", "passing nothing", "no suite is named 'nothing'"},
    {"CK_RUN_SUITE", "pass* passing:first", "no suite is named 'passing:first'"},
    {"JOBS", "0", "JOBS='0': a number from 1 to 64"},
    {"JOBS", "65", "from 1 to 64"},
    {"JOBS", "two", "from 1 to 64"},
    {"JOBS", "2x", "from 1 to 64"},
};

START_TEST(what_makes_no_sense_is_refused)
{
    struct process process;

    setenv(refused[_i].variable, refused[_i].value, 1);
    ck_assert_int_eq(run_sample(&process), 2);
    ck_assert_msg(strstr(process.err.text, refused[_i].message) != NULL, "it said: %s", process.err.text);
    process_free(&process);
}
END_TEST

START_TEST(one_process_runs_all_for_a_debugger)
{
    struct process process;

    setenv("CK_FORK", "no", 1);
    setenv("CK_RUN_SUITE", "pass*", 1);
    ck_assert_int_eq(run_sample(&process), EXIT_SUCCESS);
    assert_says(&process, "nobody reads this\n");
    assert_ends_with(&process, "100%: Checks: 3, Failures: 0, Errors: 0\n");
    process_free(&process);
}
END_TEST

static pid_t read_pid(const char *path)
{
    FILE *file = fopen(path, "re");
    pid_t pid = 0;

    if (file && fscanf(file, "%d", &pid) != 1)
        pid = 0;
    if (file)
        fclose(file);
    return pid;
}

/* The runner reaps its orphans, so that a number that is gone is gone. */
START_TEST(an_interrupt_ends_everything)
{
    char path[] = "/tmp/minimio-sample-XXXXXX";
    struct process process;
    pid_t orphan;

    close(mkstemp(path));
    setenv("SAMPLE_PID", path, 1);
    setenv("CK_RUN_SUITE", "lasting", 1);
    start_sample(&process);
    ck_assert(process_await_text(&process, &process.out, "still running: lasting", PROCESS_TIMEOUT_MS));
    orphan = read_pid(path);
    ck_assert_int_gt(orphan, 0);
    ck_assert_int_eq(kill(orphan, 0), 0);
    kill(process.pid, SIGINT);
    kill(process.pid, SIGTERM); /* at once, without a pause for scripts */
    ck_assert_int_eq(process_wait(&process, PROCESS_TIMEOUT_MS), 128 + SIGINT);
    ck_assert_int_eq(kill(orphan, 0), -1);
    ck_assert_int_eq(errno, ESRCH);
    unlink(path);
    process_free(&process);
}
END_TEST

Suite *runner_suite(void)
{
    Suite *suite = suite_create("runner");
    TCase *tests = tcase_create("runner");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, a_run_counts_all_suites);
    tcase_add_test(tests, the_output_of_a_failing_suite_is_shown);
    tcase_add_test(tests, suites_are_chosen_by_patterns);
    tcase_add_test(tests, one_test_runs_by_its_name);
    tcase_add_test(tests, one_process_runs_a_suite_that_needs_no_more);
    tcase_add_test(tests, skips_are_told_once_and_by_what_is_needed);
    tcase_add_test(tests, skips_can_be_made_failures);
    tcase_add_test(tests, a_suite_that_dies_is_an_error);
    tcase_add_loop_test(tests, what_makes_no_sense_is_refused, 0, (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, one_process_runs_all_for_a_debugger);
    tcase_add_test(tests, an_interrupt_ends_everything);
    suite_add_tcase(suite, tests);
    return suite;
}
