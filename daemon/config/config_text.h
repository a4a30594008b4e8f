/* SPDX-License-Identifier: MIT */
/*
 * The text of the configuration file. Reads never wait for another process: the file must be a regular file or
 * /dev/null, an empty configuration. Pipes are refused, because SIGHUP could not read a pipe again.
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
 * Reads the file. Errors: a negative errno, with the cause in `ret_reason`, a sentence whose subject is the file.
 * -ENOENT: no such file.
 */
int config_text_read(const char *path, struct config_text *ret_text, char *ret_reason, size_t size);

/* As config_text_read, from the start of an open regular file. */
int config_text_read_fd(int fd, struct config_text *ret_text, char *ret_reason, size_t size);

void config_text_deinit(struct config_text *text);

#endif
