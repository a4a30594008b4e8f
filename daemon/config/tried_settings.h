/* SPDX-License-Identifier: MIT */
/*
 * The configuration file as it was when a new binary was tried, passed to the trial and then to the binary that takes
 * over: a file that changes in between is used by neither.
 */
#ifndef MINIMIO_DAEMON_CONFIG_TRIED_SETTINGS_H
#define MINIMIO_DAEMON_CONFIG_TRIED_SETTINGS_H

#include "daemon/config/config_text.h"

/* In place of a descriptor: there is no configuration file, or none is passed. */
#define TRIED_NO_FILE    (-1)
#define TRIED_NOT_PASSED (-2)

/* A sealed copy of the text in memory. Its descriptor, or a negative errno. */
int tried_settings_new(const struct config_text *text);

/* Puts a descriptor's number, or TRIED_NO_FILE, into the environment of the programs to come. Error: -ENOMEM. */
int tried_settings_export(int fd);
void tried_settings_clear(void);

/* Takes what was passed to this process out of its environment: a descriptor, now the caller's, or one of the above. */
int tried_settings_take(void);

#endif
