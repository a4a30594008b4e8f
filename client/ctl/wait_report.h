/* SPDX-License-Identifier: MIT */
/*
 * What `wait` tells while it waits: on a terminal a line for each target, drawn anew when something changes; else a
 * line when a target has reached the goal; as JSON, a record then. Progress goes to standard error, as standard output
 * may be the command's that is to be run; records go to standard output.
 */
#ifndef MINIMIO_CLIENT_CTL_WAIT_REPORT_H
#define MINIMIO_CLIENT_CTL_WAIT_REPORT_H

#include "client/ctl/command.h"
#include "client/ctl/prober.h"

struct wait_report {
    const struct command *command;
    char *const *targets;
    size_t count;
    enum probe_goal goal;
    bool quiet, json;
    int64_t started_ns;
    /* private */
    bool *told; /* of each target: it has reached the goal */
    bool drawing;
    size_t rows; /* drawn on the terminal, below which the cursor is */
};

/* Takes the members above, and begins. Errors: -ENOMEM. */
int wait_report_begin(struct wait_report *report);

/* Something has changed. Returns 0, or EXIT_FAILED: standard output could not be written. */
int wait_report_update(struct wait_report *report, struct probers *probers);

/* The time is over: tells which have not reached the goal, and why. */
int wait_report_unreached(struct wait_report *report, struct probers *probers);

#endif
