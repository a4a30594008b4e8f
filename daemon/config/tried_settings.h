/* SPDX-License-Identifier: MIT */
/*
 * A copy of the configuration file for a new binary, passed to the preflight and then to the binary that takes over, so
 * that a change of the file in between has no effect.
 */
#ifndef MINIMIO_DAEMON_CONFIG_TRIED_SETTINGS_H
#define MINIMIO_DAEMON_CONFIG_TRIED_SETTINGS_H

#include "daemon/config/config_text.h"

/* In place of a descriptor: no configuration file, or no descriptor was passed. */
#define TRIED_NO_FILE    (-1)
#define TRIED_NOT_PASSED (-2)

/* Copies the text to a sealed memfd. Returns the descriptor or a negative errno. */
int tried_settings_new(const struct config_text *text);

/* Puts the number of a descriptor, or TRIED_NO_FILE, into the environment for exec. Error: -ENOMEM. */
int tried_settings_export(int fd);
void tried_settings_clear(void);

/* Removes the variable from the environment. Returns the passed descriptor, then owned by the caller, TRIED_NO_FILE or
 * TRIED_NOT_PASSED. */
int tried_settings_take(void);

#endif
