/* SPDX-License-Identifier: MIT */
/*
 * A command of minimioctl: the entry in the table, the exit codes, and error messages.
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
    EXIT_FAILED = 1, /* the daemon or a peer has refused, or is absent */
    EXIT_WRONG_USAGE = 2,
    EXIT_TIMED_OUT = 124,  /* as timeout(1) */
    EXIT_CANNOT_RUN = 126, /* as shells */
    EXIT_NOT_FOUND = 127,
};

struct command {
    const char *name;
    const char *arguments;        /* for the usage line */
    const char *summary;          /* one line */
    const char *help;             /* the command's own options, and further text */
    const struct option *options; /* own options, lower case letters, zero-terminated; NULL: none */
    bool takes_loop;              /* has --loop, --takeover, --linger */
    bool is_guest;                /* enters the loop as guest, else as owner, unless an option chooses the role */
    bool makes_loop;              /* creates a missing loop; false: a missing loop is an error */
    enum method method;           /* parameters that are not in `positional` are options; METHOD_COUNT: no method */
    const char *positional;
    void (*more_help)(void);
    int (*run)(const struct command *command, struct options *options, int argc, char **argv);
};

/* Whether the command can enter a loop as owner or worker. */
bool command_may_find_busy(const struct command *command);

/* Prints the usage line; `command` NULL: of minimioctl. */
void command_print_usage(FILE *stream, const struct command *command);

/* Prints an error of the command line and the usage to standard error. `command` NULL: usage of minimioctl. Returns
 * EXIT_WRONG_USAGE. */
int wrong_usage(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

int unexpected_argument(const struct command *command, const char *argument);

/* Prints an error to standard error, in one line, with unsafe characters escaped. Returns EXIT_FAILED. */
int failed(const struct command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
