/* SPDX-License-Identifier: MIT */
/*
 * Files that are opened by name must not keep the daemon waiting: open() of a FIFO waits for a writer, and reading a
 * device may never end.
 */
#ifndef MINIMIO_DAEMON_CONFIG_REGULAR_FILE_H
#define MINIMIO_DAEMON_CONFIG_REGULAR_FILE_H

#include <sys/stat.h>

/* The type of an irregular file, such as "a pipe". NULL: a regular file or /dev/null. */
const char *irregular_kind(const struct stat *found);

#endif
