/* SPDX-License-Identifier: MIT */
/*
 * The command line.
 */
#ifndef MINIMIO_DAEMON_CONFIG_OPTIONS_H
#define MINIMIO_DAEMON_CONFIG_OPTIONS_H

#include "daemon/config/settings.h"

#include <stdbool.h>

struct options {
    const char *config; /* the configuration file; NULL: the default path, optional */
    uint32_t store;     /* size of the service manager's descriptor store */
    bool check;         /* only check the configuration */
    struct settings settings;
    char **arguments; /* argv, unchanged */
};

enum { OPTIONS_RUN, OPTIONS_ANSWERED }; /* run the daemon, or exit after --help and similar options */

/* Parses the command line and reports errors. Error: -EINVAL. Call options_deinit in both cases. */
int options_read(struct options *ret_options, int argc, char **argv, struct config_errors *config_errors);
void options_deinit(struct options *options);

#endif
