/* SPDX-License-Identifier: MIT */
#include "tests/client/run.h"

#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX  32
#define TIMED_OUT      124
#define TIMEOUT_MS     100
#define TIMEOUT_MAX_MS 12800

void assert_output_at(int line, const char *text, const char *part)
{
    if (part)
        ck_assert_msg(strstr(text, part) != NULL, "line %d: '%s' is not in: %s", line, part, text);
    else
        ck_assert_msg(*text == '\0', "line %d: there should be no output: %s", line, text);
}

void assert_ends_at(int line, struct process *process, int code, const char *out, const char *err)
{
    int got = process->pid > 0 ? process_wait(process, PROCESS_TIMEOUT_MS) : process->exit_code;

    ck_assert_msg(got == code, "line %d: ended with %d, not %d: %s%s", line, got, code, process->out.text,
                  process->err.text);
    assert_output_at(line, process->out.text, out);
    assert_output_at(line, process->err.text, err);
    process_free(process);
}

void assert_run_at(int line, const char *const *arguments, int code, const char *out, const char *err)
{
    struct process process;

    process_start(&process, false, arguments);
    assert_ends_at(line, &process, code, out, err);
}

static bool holds(const char *text, const char *part)
{
    return part ? strstr(text, part) != NULL : *text == '\0';
}

/* Returns the place of the value of --timeout. */
static int copy_arguments(const char *const *arguments, const char **ret_copy)
{
    int count = 0, timeout = 0;

    for (; arguments[count]; count++) {
        ck_assert_int_lt(count, ARGUMENTS_MAX - 1);
        ret_copy[count] = arguments[count];
        if (strcmp(arguments[count], "--timeout") == 0)
            timeout = count + 1;
    }
    ret_copy[count] = NULL;
    ck_assert_int_gt(timeout, 0);
    return timeout;
}

void assert_times_out_at(int line, const char *const *arguments, const char *out, const char *err)
{
    const char *copy[ARGUMENTS_MAX];
    char timeout[16];
    struct process process;

    copy[copy_arguments(arguments, copy)] = timeout;
    for (int ms = TIMEOUT_MS; ms < TIMEOUT_MAX_MS; ms *= 2) {
        bool as_expected;

        snprintf(timeout, sizeof timeout, "%dms", ms);
        ck_assert_int_eq(process_run(&process, copy), TIMED_OUT);
        as_expected = holds(process.out.text, out) && holds(process.err.text, err);
        process_free(&process);
        if (as_expected)
            return;
    }
    snprintf(timeout, sizeof timeout, "%dms", TIMEOUT_MAX_MS);
    assert_run_at(line, copy, TIMED_OUT, out, err);
}
