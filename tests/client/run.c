/* SPDX-License-Identifier: MIT */
#include "tests/client/run.h"

#include <string.h>

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
