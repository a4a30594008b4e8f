/* SPDX-License-Identifier: MIT */
/*
 * Settings of the command line or the file. Absent settings have a special value.
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
    unsigned line_limits; /* line of the last limit that check_batch compares; 0: not in a file */
    struct access_rules access;
    struct rules rules;
};

void settings_init(struct settings *ret_settings);
void settings_deinit(struct settings *settings);

/*
 * Each function parses the text of a setting and stores the value, or reports an error, which the caller finds in
 * `config_errors->count`.
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
