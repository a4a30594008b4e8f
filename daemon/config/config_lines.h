/* SPDX-License-Identifier: MIT */
/*
 * The lines of an INI file: sections and keys with the numbers of their lines, and config_errors about every line that
 * is neither.
 */
#ifndef MINIMIO_DAEMON_CONFIG_CONFIG_LINES_H
#define MINIMIO_DAEMON_CONFIG_CONFIG_LINES_H

#include "daemon/config/diagnostics.h"
#include "proto/buffer.h"

#include <stdbool.h>

struct config_lines {
    void *owner;
    /* A section begins. False: the owner has reported an error, and the keys of the section are skipped. */
    bool (*section)(void *owner, const char *name, unsigned line);
    void (*key)(void *owner, const char *name, const char *value, unsigned line);
};

/* Reads to the end of the text, whatever is wrong on the way. */
void config_lines_read(struct span text, const struct config_lines *lines, struct config_errors *config_errors);

#endif
