/* SPDX-License-Identifier: MIT */
/*
 * One run of minimioctl to its end, and what it must look like.
 */
#ifndef MINIMIO_TESTS_CLIENT_RUN_H
#define MINIMIO_TESTS_CLIENT_RUN_H

#include "tests/process.h"

#include <check.h>

#define ARGUMENTS(...)                                                                                                 \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        built_program("minimioctl"), __VA_ARGS__, NULL                                                                 \
    }

/* Waits for a program that was started and frees it. `out` and `err` must be in its output; NULL: that must be empty.
 */
#define assert_ends(process, code, out, err) assert_ends_at(__LINE__, process, code, out, err)

/* Runs minimioctl, or any program, to its end. */
#define assert_run(code, out, err, ...)        assert_run_at(__LINE__, ARGUMENTS(__VA_ARGS__), code, out, err)
#define assert_runs(arguments, code, out, err) assert_run_at(__LINE__, arguments, code, out, err)

/*
 * Runs a program that reaches its --timeout, which is one of the arguments: status 124. On a busy machine the time may
 * be over before the program does what it is to wait in, which shows in the output: it is run again with twice the
 * time.
 */
#define assert_times_out(out, err, ...)       assert_times_out_at(__LINE__, ARGUMENTS(__VA_ARGS__), out, err)
#define assert_timed_out(arguments, out, err) assert_times_out_at(__LINE__, arguments, out, err)

#define assert_holds(text, part) assert_output_at(__LINE__, text, part)

void assert_ends_at(int line, struct process *process, int code, const char *out, const char *err);
void assert_run_at(int line, const char *const *arguments, int code, const char *out, const char *err);
void assert_times_out_at(int line, const char *const *arguments, const char *out, const char *err);
void assert_output_at(int line, const char *text, const char *part);

#endif
