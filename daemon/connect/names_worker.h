/* SPDX-License-Identifier: MIT */
#ifndef MINIMIO_DAEMON_CONNECT_NAMES_WORKER_H
#define MINIMIO_DAEMON_CONNECT_NAMES_WORKER_H

#include <stdnoreturn.h>

/* Looks up the host, says on standard input, a socket, what came of it, and ends the process. */
noreturn void names_worker_run(const char *host);

#endif
