/* SPDX-License-Identifier: MIT */
/*
 * Parses the parameters of a command's method from options, with the ranges of the protocol's table.
 */
#ifndef MINIMIO_CLIENT_CTL_METHOD_OPTIONS_H
#define MINIMIO_CLIENT_CTL_METHOD_OPTIONS_H

#include "client/ctl/options.h"

#include <cjson/cJSON.h>

/* Parses the options of a command with a method, and adds the given parameters to `params`. Returns 0 with optind at
 * the first argument, or OPTIONS_EXIT. */
int method_options_read(const struct command *command, struct options *options, int argc, char **argv, cJSON *params);

#endif
