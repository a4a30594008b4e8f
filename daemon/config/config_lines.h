/* SPDX-License-Identifier: MIT */
/*
 * Reader of INI files: reports sections and keys with line numbers, and an error for every other line.
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

/* Reads the complete text, and continues after errors. */
void config_lines_read(struct span text, const struct config_lines *lines, struct config_errors *config_errors);

#endif
