/* SPDX-License-Identifier: MIT */
/*
 * minimiod.conf: which sections and keys it may have, and what is wrong with each line of it.
 */
#ifndef MINIMIO_DAEMON_CONFIG_CONFIG_FILE_H
#define MINIMIO_DAEMON_CONFIG_CONFIG_FILE_H

#include "daemon/config/config_text.h"
#include "daemon/config/settings.h"

#define CONFIG_FILE_NAME "minimio/minimiod.conf" /* below /etc, or a user's folder of configuration */

/*
 * Reads the file into settings that are still as settings_init made them. Complains about everything that is wrong,
 * line by line; `config_errors->file` is the path from then on. `fd`: a copy of the file to be read in its place; -1:
 * none.
 * `*ret_text`, all zero before, is to be freed in any case. Errors: -EINVAL, something was complained about; -ENOENT,
 * there is no such file, of which nothing is said.
 */
int config_file_read(const char *path, int fd, struct settings *settings, struct config_errors *config_errors,
                     struct config_text *ret_text);

#endif
