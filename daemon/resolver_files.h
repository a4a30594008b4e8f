/* SPDX-License-Identifier: MIT */
/*
 * The files that c-ares opens by name, in the daemon's thread and with fopen(). A FIFO in the place of one would keep
 * the daemon waiting, so c-ares is called only while each is a regular file or is not there.
 */
#ifndef MINIMIO_DAEMON_RESOLVER_FILES_H
#define MINIMIO_DAEMON_RESOLVER_FILES_H

#include <stdbool.h>

#define RESOLV_CONF "/etc/resolv.conf"

/* The files that a new channel reads. False: one is not a regular file, which was logged. */
bool resolver_files_check_settings(void);

/* The files that a lookup reads. False: one is not a regular file, which was logged (rate-limited). */
bool resolver_files_check_hosts(void);

#endif
