/* SPDX-License-Identifier: MIT */
/*
 * The help of minimioctl and of its commands.
 */
#ifndef MINIMIO_CLIENT_CTL_HELP_H
#define MINIMIO_CLIENT_CTL_HELP_H

#include "client/ctl/command.h"

#include <stdio.h>

/* Help of minimioctl, with the NULL-terminated list of commands. */
void help_print(FILE *stream, const struct command *const *commands);

/* Help of a command, to standard output. */
void help_print_command(const struct command *command);

#endif
