/* SPDX-License-Identifier: MIT */
/*
 * Whether the binary that is now at this one's place would start: it is asked, in a process of its own, to check its
 * settings, and the daemon serves on meanwhile. One that cannot run, or does not know its arguments, says so while
 * there is still somebody to go on.
 */
#ifndef MINIMIO_DAEMON_RESTART_PREFLIGHT_H
#define MINIMIO_DAEMON_RESTART_PREFLIGHT_H

#include "daemon/base/program.h"
#include "daemon/base/timer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Zero it before its first use. */
struct preflight {
    struct timers *timers;
    struct timer limit;
    struct timer start; /* while it waits to be started */
    int looks;          /* how often it was looked whether it may be started */
    uint32_t begun;     /* closing_begun() at the last look */
    char **arguments;
    bool under_way;
    pid_t pid;              /* 0: it is not started */
    bool late;              /* it took too long, and was killed */
    struct program program; /* that is tried, or has passed */
    int settings;           /* while there is one, or it has passed: the descriptor of its settings, or TRIED_NO_FILE */
};

enum preflight_result { PREFLIGHT_GOES_ON, PREFLIGHT_PASSED, PREFLIGHT_FAILED };

/* Starts the program, of which it keeps a copy, with these arguments, which are borrowed, and one more; once
 * no close() may end with the copy that the new process has of a descriptor (preflight.c). SIGCHLD tells that it has
 * ended, soon or late. `settings`: as tried_settings_new gave it, or TRIED_NO_FILE; the preflight's from then on, also
 * if it fails. Errors: negative errno; -EALREADY, one is under way. */
int preflight_begin(struct preflight *preflight, struct timers *timers, const struct program *program, char **arguments,
                    int settings);

/* Looks whether it has ended; the log says why it has failed. */
enum preflight_result preflight_poll(struct preflight *preflight);

/* Closes the settings of one that has ended. */
void preflight_forget_settings(struct preflight *preflight);

/* Ends one that is under way. */
void preflight_deinit(struct preflight *preflight);

#endif
