/* SPDX-License-Identifier: MIT */
/*
 * The command line.
 */
#ifndef MINIMIO_DAEMON_CONFIG_OPTIONS_H
#define MINIMIO_DAEMON_CONFIG_OPTIONS_H

#include "daemon/config/settings.h"

#include <stdbool.h>

struct options {
    const char *config; /* the configuration file; NULL: where it is by default, if there is one */
    uint32_t store;     /* descriptors that the service manager keeps for us */
    bool check;         /* only look whether the configuration is right */
    struct settings settings;
    char **arguments; /* all of them, as they were given */
};

enum { OPTIONS_RUN, OPTIONS_ANSWERED }; /* what to do after they were read: the latter were --help and the like */

/* Complains about what is wrong. Error: -EINVAL. To be freed with options_deinit after an error too. */
int options_read(struct options *ret_options, int argc, char **argv, struct config_errors *config_errors);
void options_deinit(struct options *options);

#endif
