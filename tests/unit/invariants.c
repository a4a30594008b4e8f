/* SPDX-License-Identifier: MIT */
/* INVARIANT with NDEBUG: an invariant that holds does nothing, and a violated invariant ends the process with a line.
 */
#ifndef NDEBUG
#define NDEBUG
#endif
#include "daemon/base/invariant.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* In a child process, whose standard error is the pipe. */
static void violate(int error_end)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    dup2(error_end, STDERR_FILENO);
    unsetenv("JOURNAL_STREAM");
    INVARIANT(evaluate(0) == 2);
    _exit(0);
}

START_TEST(a_violated_invariant_logs_its_place_and_aborts)
{
    char line[512] = "";
    int ends[2], status;
    pid_t child;

    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        violate(ends[1]);
    close(ends[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_int_gt(read(ends[0], line, sizeof line - 1), 0);
    ck_assert_msg(strstr(line, "tests/unit/invariants.c:") && strstr(line, "evaluate(0) == 2"), "logged: %s", line);
    close(ends[0]);
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
