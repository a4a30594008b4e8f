/* SPDX-License-Identifier: MIT */
/*
 * Running the tests. The parent starts one child a test and takes its exit code; what the child prints goes straight
 * to where the parent's own output goes. The closing line has Check's form.
 *
 * CK_RUN_SUITE and CK_RUN_CASE select, as Check's do. CK_FORK=no runs the selected tests in this process.
 */
#include "tests/windows/check.h"

#include <windows.h>

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define SUITES_MAX 32
#define TESTS_MAX  64

enum { EXIT_PASSED = 0, EXIT_FAILED = 1, EXIT_ABORTED = 3 /* the C library's abort */ };

struct looped_test {
    const TTest *test;
    int start, end;
    int exit_code; /* that it is to end with */
};

struct TCase {
    const char *name;
    double timeout_s;
    SFun setup, teardown;
    struct looped_test tests[TESTS_MAX];
    int count;
};

struct Suite {
    const char *name;
    TCase *tcase; /* no suite here has more than one */
};

struct SRunner {
    Suite *suites[SUITES_MAX];
    int count;
    int checks, failures, errors;
};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory)
        abort();
    return memory;
}

Suite *suite_create(const char *name)
{
    Suite *suite = allocate(sizeof(*suite));

    suite->name = name;
    return suite;
}

TCase *tcase_create(const char *name)
{
    TCase *tcase = allocate(sizeof(*tcase));

    tcase->name = name;
    tcase->timeout_s = 4;
    return tcase;
}

void suite_add_tcase(Suite *suite, TCase *tcase)
{
    if (suite->tcase)
        abort();
    suite->tcase = tcase;
}

void tcase_set_timeout(TCase *tcase, double timeout_s)
{
    tcase->timeout_s = timeout_s;
}

void tcase_add_checked_fixture(TCase *tcase, SFun setup, SFun teardown)
{
    tcase->setup = setup;
    tcase->teardown = teardown;
}

void tcase_add_loop_test(TCase *tcase, const TTest *test, int start, int end)
{
    if (tcase->count == TESTS_MAX)
        abort();
    tcase->tests[tcase->count++] = (struct looped_test){test, start, end, EXIT_PASSED};
}

void tcase_add_loop_test_raise_signal(TCase *tcase, const TTest *test, int signal, int start, int end)
{
    if (signal != SIGABRT)
        abort();
    tcase_add_loop_test(tcase, test, start, end);
    tcase->tests[tcase->count - 1].exit_code = EXIT_ABORTED;
}

SRunner *srunner_create(Suite *suite)
{
    SRunner *runner = allocate(sizeof(*runner));

    if (suite)
        srunner_add_suite(runner, suite);
    return runner;
}

void srunner_add_suite(SRunner *runner, Suite *suite)
{
    if (runner->count == SUITES_MAX)
        abort();
    runner->suites[runner->count++] = suite;
}

int srunner_ntests_failed(SRunner *runner)
{
    return runner->failures + runner->errors;
}

void srunner_free(SRunner *runner)
{
    for (int i = 0; i < runner->count; i++) {
        free(runner->suites[i]->tcase);
        free(runner->suites[i]);
    }
    free(runner);
}

/* ---- One test --------------------------------------------------------------------------------------------------- */

static const char *running = "";

void check_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    printf("%s:%d:F:%s: ", file, line, running);
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout);
    /* Not exit: other threads may be at work on what it would tear down. */
    TerminateProcess(GetCurrentProcess(), EXIT_FAILED);
    abort();
}

static void run_here(const TCase *tcase, const TTest *test, int i)
{
    running = test->name;
    if (tcase->setup)
        tcase->setup();
    test->fn(i);
    if (tcase->teardown)
        tcase->teardown();
    fflush(stdout);
}

/* The child's side: "--test SUITE TEST I". */
static bool run_if_child(const SRunner *runner)
{
    int suite, test, i;

    if (sscanf(GetCommandLineA() + strcspn(GetCommandLineA(), " "), " --test %d %d %d", &suite, &test, &i) != 3)
        return false;
    const TCase *tcase = runner->suites[suite]->tcase;
    run_here(tcase, tcase->tests[test].test, i);
    return true;
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

/* Returns the child's exit code, or -1 when its time was over. */
static int run_child(int suite, int test, int i, double timeout_s)
{
    char path[MAX_PATH], command[MAX_PATH + 64];
    STARTUPINFOA startup = {.cb = sizeof(startup)};
    PROCESS_INFORMATION child;
    DWORD code = EXIT_FAILED;

    GetModuleFileNameA(NULL, path, sizeof(path));
    snprintf(command, sizeof(command), "minimio --test %d %d %d", suite, test, i);
    fflush(stdout);
    if (!CreateProcessA(path, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &child))
        return EXIT_FAILED;
    bool is_over = WaitForSingleObject(child.hProcess, (DWORD)(timeout_s * 1000)) == WAIT_OBJECT_0;
    if (!is_over) {
        TerminateProcess(child.hProcess, EXIT_FAILED);
        WaitForSingleObject(child.hProcess, INFINITE);
    }
    GetExitCodeProcess(child.hProcess, &code);
    CloseHandle(child.hThread);
    CloseHandle(child.hProcess);
    return is_over ? (int)code : -1;
}

static void run_test(SRunner *runner, int suite, int test, int i)
{
    const TCase *tcase = runner->suites[suite]->tcase;
    const char *name = tcase->tests[test].test->name;
    const char *fork = getenv("CK_FORK");

    runner->checks++;
    if (fork && strcmp(fork, "no") == 0) {
        run_here(tcase, tcase->tests[test].test, i);
        return;
    }
    int code = run_child(suite, test, i, tcase->timeout_s);
    if (code == tcase->tests[test].exit_code)
        return;
    if (code == EXIT_FAILED) {
        runner->failures++;
        printf("%s:F:%s:%d\n", tcase->name, name, i);
        return;
    }
    runner->errors++;
    if (code == -1)
        printf("%s:E:%s:%d: Test timeout expired\n", tcase->name, name, i);
    else
        printf("%s:E:%s:%d: ended with %#x\n", tcase->name, name, i, (unsigned)code);
}

static bool is_selected(const char *variable, const char *name)
{
    const char *selected = getenv(variable);

    return !selected || strcmp(selected, name) == 0;
}

static void run_suite(SRunner *runner, int suite)
{
    const TCase *tcase = runner->suites[suite]->tcase;

    if (!is_selected("CK_RUN_SUITE", runner->suites[suite]->name) || !is_selected("CK_RUN_CASE", tcase->name))
        return;
    printf("%s\n", runner->suites[suite]->name);
    for (int test = 0; test < tcase->count; test++)
        for (int i = tcase->tests[test].start; i < tcase->tests[test].end; i++)
            run_test(runner, suite, test, i);
}

/* The table of what was skipped, which the tests have written to that file; once, whatever ran in a loop. */
static void print_skips(void)
{
    const char *path = getenv("MINIMIO_SKIPS");
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[512], last[512] = "";

    if (!file)
        return;
    printf("skipped:\n");
    while (fgets(line, sizeof(line), file)) {
        if (strcmp(line, last) != 0)
            printf("  %s", line);
        memcpy(last, line, sizeof(last));
    }
    fclose(file);
}

void srunner_run_all(SRunner *runner, enum print_output output)
{
    (void)output;
    if (run_if_child(runner))
        exit(EXIT_PASSED);
    for (int i = 0; i < runner->count; i++)
        run_suite(runner, i);
    print_skips();
    int passed = runner->checks - srunner_ntests_failed(runner);
    printf("%d%%: Checks: %d, Failures: %d, Errors: %d\n", runner->checks > 0 ? passed * 100 / runner->checks : 100,
           runner->checks, runner->failures, runner->errors);
    fflush(stdout);
}
