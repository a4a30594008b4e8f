/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with the settings: all of it is told, each with where it is, before anybody gives up.
 */
#ifndef MINIMIO_DAEMON_CONFIG_DIAGNOSTICS_H
#define MINIMIO_DAEMON_CONFIG_DIAGNOSTICS_H

#include <stdint.h>

struct config_errors {
    void (*tell)(const char *text); /* a line without its end, with whatever the settings hold in it */
    const char *file;               /* where `line` is */
    uint32_t count;
};

/* `line` 0: it is the file as a whole, or, without one, the command line. What is wrong and what to write. */
void config_error(struct config_errors *config_errors, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
