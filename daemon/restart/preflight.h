/* SPDX-License-Identifier: MIT */
/*
 * The preflight: runs the new binary in a child process that checks its settings, while the daemon continues to serve.
 * A binary that cannot run, or rejects the arguments, fails before the old binary is gone.
 *
 * Owns the child process and the copy of the settings. Calls the closing process, the timers and the log.
 */
#ifndef MINIMIO_DAEMON_RESTART_PREFLIGHT_H
#define MINIMIO_DAEMON_RESTART_PREFLIGHT_H

#include "daemon/base/program.h"
#include "daemon/base/timer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Zero a preflight before the first use. */
struct preflight {
    struct timers *timers;
    struct timer limit;
    struct timer start; /* runs while the child waits to be started */
    int checks;         /* how often the start was postponed */
    uint32_t begun;     /* closing_begun() at the last check */
    int quiet_checks;   /* consecutive checks without a close() that begins */
    char **arguments;
    bool under_way;
    pid_t pid;              /* 0: the child is not started */
    bool late;              /* the child exceeded the time limit and was killed */
    struct program program; /* under test, or passed */
    int settings;           /* descriptor of the settings of the running or passed preflight, or TRIED_NO_FILE */
};

enum preflight_result { PREFLIGHT_GOES_ON, PREFLIGHT_PASSED, PREFLIGHT_FAILED };

/* Starts a copy of `program` with these arguments, which are borrowed, and --check-config, as soon as no close() can
 * block in the child (preflight.c). SIGCHLD reports the end of the child. `settings`: from tried_settings_new, or
 * TRIED_NO_FILE; the preflight takes ownership, also on failure. Errors: negative errno; -EALREADY, a preflight is
 * in progress. */
int preflight_begin(struct preflight *preflight, struct timers *timers, const struct program *program, char **arguments,
                    int settings);

/* Checks whether the child has ended; logs the cause of a failure. */
enum preflight_result preflight_poll(struct preflight *preflight);

/* Closes the settings of a preflight that has ended. */
void preflight_forget_settings(struct preflight *preflight);

/* Kills the child of a preflight in progress. */
void preflight_deinit(struct preflight *preflight);

#endif
