/* SPDX-License-Identifier: MIT */
/*
 * The parameters of a command's method as options, generated from the protocol's table: `timeout_ms` becomes
 * --timeout-ms, and a boolean with the default true becomes --no-NAME.
 */
#ifndef MINIMIO_CLIENT_CTL_PARAM_OPTION_H
#define MINIMIO_CLIENT_CTL_PARAM_OPTION_H

#include "client/ctl/command.h"

#define OPTION_NAME_SIZE 32

/* The option that sets this parameter, such as "max" or "no-nodelay". False: the parameter has no option. */
bool param_option(const struct command *command, size_t param, char ret_name[OPTION_NAME_SIZE], bool *ret_argument);

/* Prints the help of the parameter options of a command. */
void param_option_help(const struct command *command);

#endif
