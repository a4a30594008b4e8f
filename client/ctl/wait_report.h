/* SPDX-License-Identifier: MIT */
/*
 * Progress output of `wait`. On a terminal, a line for each target, redrawn after changes. Otherwise, a line or a JSON
 * record when a target has reached the goal. Progress goes to standard error, because standard output may belong to the
 * command that runs afterwards; records go to standard output.
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
    bool *told; /* for each target: reported as reached */
    bool drawing;
    size_t rows; /* rows on the terminal above the cursor */
};

/* Starts the report; the caller has set the public members. Error: -ENOMEM. */
int wait_report_begin(struct wait_report *report);

/* Reports changes. Returns 0, or EXIT_FAILED after a failed write to standard output. */
int wait_report_update(struct wait_report *report, struct probers *probers);

/* After the deadline: reports the targets that have not reached the goal, with the causes. */
int wait_report_unreached(struct wait_report *report, struct probers *probers);

#endif
