/* SPDX-License-Identifier: MIT */
/*
 * What to type where no daemon answers: a command that can be pasted into a shell as it is.
 */
#ifndef MINIMIO_CLIENT_CTL_HINT_H
#define MINIMIO_CLIENT_CTL_HINT_H

#include <stdbool.h>

/* Is the path a socket, or free for one? */
bool hint_is_socket(const char *path);

/* Says on standard error how to start a daemon that listens at the path. */
void hint_start(const char *path);

#endif
