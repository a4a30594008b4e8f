/* SPDX-License-Identifier: MIT */
/*
 * The process that looks up names for the daemon, and a worker for each lookup: a name service module is foreign code,
 * a lookup cannot be cancelled, and a process can be killed, has no client's descriptors and none of the daemon's
 * memory. A worker looks up one name and ends, so that no name meets what another has left behind, and each lookup
 * reads the system's settings as they are.
 */
#ifndef MINIMIO_DAEMON_CONNECT_NAMES_PROCESS_H
#define MINIMIO_DAEMON_CONNECT_NAMES_PROCESS_H

/* What the program is called with, in place of its own name, and then the daemon's pid. */
#define NAMES_PROCESS "minimiod-names"

/* If the program was started as this process, the first thing to be called: it then does not return. Standard input is
 * the socket to the daemon. */
void names_process_begin(int argc, char **argv);

#endif
