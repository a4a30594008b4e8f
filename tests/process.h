/* SPDX-License-Identifier: MIT */
/*
 * Runs programs for tests: started with their output captured, awaited with a time limit, killed by their pid when
 * they overstay. A child dies with the test that started it, so a test that fails leaves nothing running.
 * What fails here fails the test.
 */
#ifndef MINIMIO_TESTS_PROCESS_H
#define MINIMIO_TESTS_PROCESS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_TIMEOUT_MS 60000 /* for what is to end by itself: far more than it takes anywhere */
#define PROCESS_KILLED     (-1)  /* it overstayed and was killed */

/* What a program wrote so far; a NUL stands behind it. */
struct output {
    int fd; /* -1: it has ended */
    char *text;
    size_t length;
};

struct process {
    pid_t pid;
    int pid_fd;
    int input_fd; /* -1: /dev/null, or closed by process_close_input */
    struct output out;
    struct output err;
    int exit_code;      /* as process_wait returned it */
    int64_t elapsed_ns; /* from start to end, once it has ended */
    int64_t started_ns;
};

int64_t test_now_ns(void);

/* The path of a program of the build under test, such as "minimioctl": $MINIMIO_BUILD/NAME. A static buffer. */
const char *built_program(const char *name);

/*
 * Starts a program (found by PATH) with these arguments, ended by NULL, the name first. `input`: its standard input is
 * a pipe, written by process_write; else it is /dev/null.
 */
void process_start(struct process *ret_process, bool input, const char *const *arguments);

/* Likewise, with these descriptors as its 3, 4, ... */
void process_start_passing(struct process *ret_process, const int *fds, int count, const char *const *arguments);

void process_write(struct process *process, const char *text);
void process_close_input(struct process *process);

/* Waits until the output holds `text`. False: it ended, or `timeout_ms` passed, without. */
bool process_await_text(struct process *process, struct output *output, const char *text, int timeout_ms);

/* Likewise, looking only behind the first `*offset` bytes, and moving it behind what was found. */
bool process_await_next(struct process *process, struct output *output, size_t *offset, const char *text,
                        int timeout_ms);

/*
 * Waits for the end and takes all output. Returns the exit status, 128 + N after signal N, or PROCESS_KILLED when it
 * had not ended after `timeout_ms`.
 */
int process_wait(struct process *process, int timeout_ms);

/* Frees what the process leaves behind, and ends it if it runs still. */
void process_free(struct process *process);

/* Starts, waits, and returns as process_wait. The output is in `*ret_process`, to be freed. */
int process_run(struct process *ret_process, const char *const *arguments);

/*
 * For a forked child that is to be killed at any moment: what it asserts is written nowhere from here on, as a message
 * cut short would spoil those of its parent, with whom it shares Check's file.
 */
void process_leave_check(void);

/* ---- A daemon to test against ----------------------------------------------------------------------------------- */

struct minimiod {
    struct process process;
    char folder[96];
    char socket[112]; /* in the folder */
};

/* Starts minimiod in a folder of its own in $TMPDIR or /tmp, with more arguments (NULL-ended; NULL: none), and waits
 * until it listens. */
void start_minimiod(struct minimiod *ret_minimiod, const char *const *arguments);

/* Ends it by SIGTERM, requires that it exits with 0, and removes the folder. */
void stop_minimiod(struct minimiod *minimiod);

#endif
