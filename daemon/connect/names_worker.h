/* SPDX-License-Identifier: MIT */
/*
 * A worker of the name lookup process: looks up a single name and exits.
 *
 * Owns no state. Calls the name lookup of the system.
 */
#ifndef MINIMIO_DAEMON_CONNECT_NAMES_WORKER_H
#define MINIMIO_DAEMON_CONNECT_NAMES_WORKER_H

#include <stdnoreturn.h>

/* Looks up the host, sends the answer on standard input, a socket, and exits. */
noreturn void names_worker_run(const char *host);

#endif
