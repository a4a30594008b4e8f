/* SPDX-License-Identifier: MIT */
#include "tests/script.h"

#include "tests/skip.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SKIPPED  77
#define TAIL_MAX 3000 /* bytes; Check ends at a message of 8192 */
#define SKIP     "skipped: "
#define NEEDS    "needs "

/* The name of the script without its folders, and its arguments: "handover.sh", "recipes.sh redis". */
static void name_script(const char *const *arguments, char *ret_name, size_t size)
{
    const char *slash = strrchr(arguments[0], '/');
    size_t length = (size_t)snprintf(ret_name, size, "%s", slash ? slash + 1 : arguments[0]);

    for (size_t i = 1; arguments[i] && length < size; i++)
        if (!strchr(arguments[i], '/'))
            length += (size_t)snprintf(ret_name + length, size - length, " %s", arguments[i]);
}

/* ---- Skips ------------------------------------------------------------------------------------------------------ */

static void record_skip(const char *name, const char *line)
{
    const char *reason = strncmp(line, SKIP, strlen(SKIP)) == 0 ? line + strlen(SKIP) : line;

    if (strncmp(reason, NEEDS, strlen(NEEDS)) == 0)
        reason += strlen(NEEDS);
    test_skip(name, "%s", reason); /* up to the end of the line */
}

static void record_skips(const char *name, const char *output, int exit_code)
{
    if (exit_code == SKIPPED) {
        record_skip(name, output);
        return;
    }
    for (const char *line = output; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, SKIP, strlen(SKIP)) == 0)
            record_skip(name, line);
    }
}

/* ---- Failures --------------------------------------------------------------------------------------------------- */

static void keep_output(const char *name, const struct process *process, char *ret_path, size_t size)
{
    FILE *file;

    snprintf(ret_path, size, "%s", built_program("tests/failed"));
    mkdir(ret_path, 0777);
    snprintf(ret_path, size, "%s/%s.log", built_program("tests/failed"), name);
    for (char *space = strchr(ret_path, ' '); space; space = strchr(space, ' '))
        *space = '-';
    file = fopen(ret_path, "we");
    if (!file)
        return;
    fprintf(file, "---- standard output\n%s\n---- standard error\n%s", process->out.text, process->err.text);
    fclose(file);
}

static const char *tail(const char *text, size_t most)
{
    size_t length = strlen(text);
    const char *line;

    if (length <= most)
        return text;
    text += length - most;
    line = strchr(text, '\n');
    return line && line[1] ? line + 1 : text;
}

static void fail_script(const char *name, const struct process *process, int exit_code)
{
    char path[PATH_MAX], ended[64] = "was killed as it had not ended in time";

    keep_output(name, process, path, sizeof path);
    if (exit_code != PROCESS_KILLED)
        snprintf(ended, sizeof ended, "ended with %d", exit_code);
    ck_abort_msg("%s %s; its whole output is in %s, which ends with:\n%s\n%s", name, ended, path,
                 tail(process->out.text, TAIL_MAX), tail(process->err.text, TAIL_MAX));
}

void script_ended(const char *const *arguments, const struct process *process, int exit_code)
{
    char name[128];

    name_script(arguments, name, sizeof name);
    if (exit_code != 0 && exit_code != SKIPPED)
        fail_script(name, process, exit_code);
    record_skips(name, process->out.text, exit_code);
}

/* As Check multiplies its own limits. */
static int multiplier(void)
{
    const char *text = getenv("CK_TIMEOUT_MULTIPLIER");
    int value = text ? atoi(text) : 1;

    return value > 0 && value < 100 ? value : 1;
}

void run_script(const char *const *arguments, int timeout_ms)
{
    struct process process;
    int exit_code;

    process_start(&process, false, arguments);
    exit_code = process_wait(&process, timeout_ms * multiplier());
    script_ended(arguments, &process, exit_code);
    process_free(&process);
}
