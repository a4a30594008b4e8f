/* SPDX-License-Identifier: MIT */
/*
 * Reads the parameters of a command's method from the options, with the checks of the protocol's table.
 */
#ifndef MINIMIO_CLIENT_CTL_METHOD_OPTIONS_H
#define MINIMIO_CLIENT_CTL_METHOD_OPTIONS_H

#include "client/ctl/options.h"

#include <cjson/cJSON.h>

/* Reads the options of a command that has a method; the parameters that were given are members of `params`. Returns
 * 0 with optind at the first argument, or OPTIONS_EXIT. */
int method_options_read(const struct command *command, struct options *options, int argc, char **argv, cJSON *params);

#endif
