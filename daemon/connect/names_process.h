/* SPDX-License-Identifier: MIT */
/*
 * The name lookup process, which forks a worker for each lookup. Name service modules are foreign code, and a lookup
 * cannot be cancelled; a process can be killed, and has no descriptors of clients and no memory of the daemon. A worker
 * looks up a single name: no lookup sees state of an earlier lookup, and each lookup reads the current system settings.
 *
 * Owns the workers. Calls names_worker.h; never the daemon's state.
 */
#ifndef MINIMIO_DAEMON_CONNECT_NAMES_PROCESS_H
#define MINIMIO_DAEMON_CONNECT_NAMES_PROCESS_H

/* argv[0] of the process; argv[1] is the daemon's pid. */
#define NAMES_PROCESS "minimiod-names"

/* Runs the name lookup process and does not return, if argv[0] is NAMES_PROCESS; otherwise returns. Must be the first
 * call of main. Standard input is the socket to the daemon. */
void names_process_begin(int argc, char **argv);

#endif
