/* SPDX-License-Identifier: MIT */
/*
 * minimiod.conf: the sections and keys that the file may have, and the errors of its lines.
 */
#ifndef MINIMIO_DAEMON_CONFIG_CONFIG_FILE_H
#define MINIMIO_DAEMON_CONFIG_CONFIG_FILE_H

#include "daemon/config/config_text.h"
#include "daemon/config/settings.h"

#define CONFIG_FILE_NAME "minimio/minimiod.conf" /* in /etc, or in a user's configuration folder */

/*
 * Reads the file into settings that settings_init made. Reports every error, line by line; `config_errors->file` is the
 * path from then on. `fd`: a copy of the file, which is read in place of the file; -1: no copy.
 * The caller zeroes `*ret_text` before, and frees the text afterwards, also after an error. Errors: -EINVAL, errors
 * were reported; -ENOENT, there is no such file, and no error was reported.
 */
int config_file_read(const char *path, int fd, struct settings *settings, struct config_errors *config_errors,
                     struct config_text *ret_text);

#endif
