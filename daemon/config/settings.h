/* SPDX-License-Identifier: MIT */
/*
 * Settings as they were given in one place, on the command line or in the file: what was not given there says so.
 */
#ifndef MINIMIO_DAEMON_CONFIG_SETTINGS_H
#define MINIMIO_DAEMON_CONFIG_SETTINGS_H

#include "daemon/config/access.h"
#include "daemon/config/diagnostics.h"
#include "daemon/config/rules.h"
#include "proto/limits.h"

#include <sys/types.h>

#define SETTING_NOT_GIVEN (-1)

struct settings {
    char *socket;         /* NULL: not given */
    int socket_mode;      /* or SETTING_NOT_GIVEN */
    int log_level;        /* enum log_level, or SETTING_NOT_GIVEN */
    struct limits limits; /* 0: not given */
    unsigned line_limits; /* the line where the last of those was given that bound each other; 0: not in a file */
    struct access_rules access;
    struct rules rules;
};

void settings_init(struct settings *ret_settings);
void settings_deinit(struct settings *settings);

/*
 * Each takes one setting as text, or complains about `what`, which is how it was written where it was given. What is
 * wrong is told once, and there is nothing to be asked afterwards but the count of the config_errors.
 */
void settings_take_socket(struct settings *settings, const char *text, struct config_errors *config_errors,
                          unsigned line);
void settings_take_mode(struct settings *settings, const char *text, struct config_errors *config_errors,
                        unsigned line);
void settings_take_level(struct settings *settings, const char *text, struct config_errors *config_errors,
                         unsigned line);
void settings_take_limit(struct settings *settings, const char *name, const char *text,
                         struct config_errors *config_errors, unsigned line);

#endif
