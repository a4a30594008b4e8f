/* SPDX-License-Identifier: MIT */
/*
 * `run` as one or several workers: a worker session for each program that may run at the same time. A stream is
 * registered again after a program with status 0, and closed after any other end.
 */
#ifndef MINIMIO_CLIENT_CTL_RUN_WORKERS_H
#define MINIMIO_CLIENT_CTL_RUN_WORKERS_H

#include "client/ctl/options.h"

#define WORKERS_MAX 64

struct run_plan {
    const struct command *command;
    const struct options *options;
    char **program;
    size_t workers; /* 1 to WORKERS_MAX */
    uint64_t left;  /* number of programs until exit */
};

/* Runs until all programs of the plan have ended, the deadline has passed, or the loop is closed. Returns the exit
 * code: of the last failed program, or of an error. */
int run_workers(const struct run_plan *plan);

#endif
