/* SPDX-License-Identifier: MIT */
/*
 * A shell command that starts the daemon, printed if no daemon answers.
 */
#ifndef MINIMIO_CLIENT_CTL_HINT_H
#define MINIMIO_CLIENT_CTL_HINT_H

#include <stdbool.h>

/* Whether the path is a socket or does not exist. */
bool hint_is_socket(const char *path);

/* Prints to standard error how to start a daemon that listens at the path. */
void hint_start(const char *path);

#endif
