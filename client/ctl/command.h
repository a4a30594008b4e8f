/* SPDX-License-Identifier: MIT */
/*
 * A command of minimioctl: its entry in the table, the exit codes, and how a command says what is wrong.
 */
#ifndef MINIMIO_CLIENT_CTL_COMMAND_H
#define MINIMIO_CLIENT_CTL_COMMAND_H

#include "proto/methods.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

struct options;

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* the daemon or a peer said no, or is not there */
    EXIT_WRONG_USAGE = 2,
    EXIT_TIMED_OUT = 124, /* as timeout(1) has it, and the next two as shells have them */
    EXIT_CANNOT_RUN = 126,
    EXIT_NOT_FOUND = 127,
};

struct command {
    const char *name;
    const char *arguments;        /* for the line of usage */
    const char *summary;          /* one line */
    const char *help;             /* the command's own options and what else is to know */
    const struct option *options; /* its own, letters lower case, ended by zeros; NULL: none */
    bool takes_loop;              /* it has --loop, --takeover, --linger */
    bool makes_loop;              /* and makes the loop where there is none; else that is a failure */
    enum method method; /* whose parameters are options too, but for those in `positional`; METHOD_COUNT: none */
    const char *positional;
    void (*more_help)(void);
    int (*run)(const struct command *command, struct options *options, int argc, char **argv);
};

/* One line; `command` NULL: of minimioctl as a whole. */
void command_print_usage(FILE *stream, const struct command *command);

/* Says on standard error what is wrong with the command line, and the usage. `command` NULL: of minimioctl as a whole.
 * Returns EXIT_WRONG_USAGE. */
int wrong_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

int unexpected_argument(const struct command *command, const char *argument);

/* Says on standard error what failed, in one line, unsafe characters escaped. Returns EXIT_FAILED. */
int failed(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
