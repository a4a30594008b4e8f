/* SPDX-License-Identifier: MIT */
/*
 * The help of minimioctl and of its commands.
 */
#ifndef MINIMIO_CLIENT_CTL_HELP_H
#define MINIMIO_CLIENT_CTL_HELP_H

#include "client/ctl/command.h"

#include <stdio.h>

/* Of minimioctl as a whole, with the list of commands, which ends with NULL. */
void help_print(FILE *stream, const struct command *const *commands);

/* Of one command, on standard output. */
void help_print_command(const struct command *command);

#endif
