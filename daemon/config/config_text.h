/* SPDX-License-Identifier: MIT */
/*
 * The text of the configuration file. Reading it never waits for another process: the file must be a regular one, or
 * /dev/null, which is an empty configuration. A pipe is refused, as SIGHUP could not read it a second time.
 */
#ifndef MINIMIO_DAEMON_CONFIG_CONFIG_TEXT_H
#define MINIMIO_DAEMON_CONFIG_CONFIG_TEXT_H

#include <stddef.h>

#define CONFIG_TEXT_MAX_MIB 4 /* a larger file is refused */

struct config_text {
    char *bytes; /* not terminated; may hold NUL bytes */
    size_t length;
};

/*
 * Reads the whole file. Errors: a negative errno, and in `ret_reason` what is wrong, as a sentence whose subject is the
 * file. -ENOENT: there is no such file.
 */
int config_text_read(const char *path, struct config_text *ret_text, char *ret_reason, size_t size);

/* Likewise, from the beginning of a regular file that is open. */
int config_text_read_fd(int fd, struct config_text *ret_text, char *ret_reason, size_t size);

void config_text_deinit(struct config_text *text);

#endif
