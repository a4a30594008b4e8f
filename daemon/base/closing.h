/* SPDX-License-Identifier: MIT */
/*
 * The process that closes what may wait in close(), and its workers. It shares the daemon's table of descriptors, so a
 * descriptor is given to it by number and leaves the table as its close() begins. Nothing waits for this process: not a
 * turn of the daemon, nor its end, nor its becoming another binary. A close() that never returns holds one worker.
 *
 * A slot is a queue: its descriptors are closed in order by one worker at a time. A worker lives as long as there is
 * something to close. Files are closed alone, each by a worker of its own: every close() of a file may wait, also that
 * of a duplicate which an exec closes, so no file stays in the table.
 */
#ifndef MINIMIO_DAEMON_BASE_CLOSING_H
#define MINIMIO_DAEMON_BASE_CLOSING_H

#include "daemon/base/closing_process.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How many descriptors of a slot were begun and closed, since the slot was first used; all wrap around. */
struct closing_progress {
    uint32_t begun, done; /* of the queue */
    uint32_t alone;       /* files that are closed */
};

/* Starts the process. Errors: negative errno; everything is then closed where closing_put is called. */
int closing_start(void);
bool closing_is_running(void);
pid_t closing_pid(void); /* 0: it does not run */

/*
 * Takes this process out of the table that the closing process shares, and has that one close all that is left in the
 * shared table, and end; what is in this process's own copy stays. Returns when it has ended. Slots keep their counts.
 * Error: negative errno; the table is still shared.
 */
int closing_leave(void);

/* Ends the process before this one ends, if there is nothing left to close. Otherwise it ends afterwards. */
void closing_end(void);

/* Whether the process has ended without being told to, after a child of the daemon's has ended. It has begun or closed
 * of each slot what closing_progress says, and nothing more is closed. */
bool closing_has_died(void);

/* A slot that nobody has; -1: all are taken. */
int closing_take_slot(void);
void closing_give_slot(int slot);

struct closing_progress closing_progress(int slot);

/*
 * Whether a file that was put may still be in the table. A process that is started then has a copy of it, which the
 * start of another program closes, and that may never end.
 */
bool closing_has_files(void);

/* How many descriptors were begun in all. Wraps around. */
uint32_t closing_begun(void);

/* Closes `fd` as the last of that slot's. False: the process does not read its requests. */
bool closing_put(int slot, int fd, enum closing_how how);

#endif
