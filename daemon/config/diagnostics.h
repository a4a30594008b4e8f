/* SPDX-License-Identifier: MIT */
/*
 * Errors of the settings. Every error is reported with its place before the daemon refuses the settings.
 */
#ifndef MINIMIO_DAEMON_CONFIG_DIAGNOSTICS_H
#define MINIMIO_DAEMON_CONFIG_DIAGNOSTICS_H

#include <stdint.h>

struct config_errors {
    void (*tell)(const char *text); /* a line without its end; may quote any bytes of the settings */
    const char *file;               /* whose lines are counted; NULL: the command line */
    uint32_t count;
};

/* Reports what is wrong and what to write. `line` 0: the error is of the whole file, or of the command line. */
void config_error(struct config_errors *config_errors, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
