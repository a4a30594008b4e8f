/* SPDX-License-Identifier: MIT */
/*
 * The closing process and its workers: close descriptors whose close() may wait. The process shares the daemon's
 * descriptor table, so the daemon passes a number, and a descriptor leaves the table as its close() begins. The daemon
 * never waits for the process: not in a turn, not at its end, not in an exec. A close() that never returns holds one
 * worker.
 *
 * A slot is a queue: one worker at a time closes the descriptors of a slot in order. A worker lives as long as the slot
 * has descriptors. A file gets a worker for itself: every close() of a file may wait, including the close of a
 * duplicate by an exec, so no file stays in the table.
 *
 * Owns the pipe to the process and the shared page. Calls the kernel and closing_process.h.
 */
#ifndef MINIMIO_DAEMON_BASE_CLOSING_H
#define MINIMIO_DAEMON_BASE_CLOSING_H

#include "daemon/base/closing_process.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Descriptors of a slot whose close has begun and ended, since the first use of the slot. The counts wrap around. */
struct closing_progress {
    uint32_t begun, done; /* of the slot's queue */
    uint32_t alone;       /* files with an ended close */
};

/* Starts the process. Errors: negative errno; callers of closing_put must then close descriptors themselves. */
int closing_start(void);
bool closing_is_running(void);
pid_t closing_pid(void); /* 0: the process does not run */

/*
 * Unshares the descriptor table, has the closing process close everything in the shared table and end, and waits for
 * the end. The daemon's own copy of the table stays unchanged. Slots keep their counts. Error: negative errno; the
 * table is still shared.
 */
int closing_leave(void);

/* Ends the process now if no descriptor is left to close. Otherwise the process ends after the daemon. */
void closing_end(void);

/* Call after SIGCHLD. Whether the process has ended unexpectedly. closing_progress then has the final counts of each
 * slot, and no further close follows. */
bool closing_has_died(void);

/* Takes a free slot; -1: all are taken. */
int closing_take_slot(void);
void closing_give_slot(int slot);

struct closing_progress closing_progress(int slot);

/*
 * Whether the table may still contain a file passed to closing_put. A child process then has a copy of the file, and
 * the exec in the child may wait forever in closing the copy.
 */
bool closing_has_files(void);

/*
 * Whether a close() is about to begin: a file waits, or a slot has descriptors and no close() in progress. Descriptors
 * behind a close() in progress stay in the table.
 */
bool closing_is_about_to_begin(void);

/* Number of closes begun, in all slots. Wraps around. */
uint32_t closing_begun(void);

/* Queues `fd` as the last descriptor of the slot, and takes ownership. False: the pipe is full or broken, and `fd`
 * stays with the caller. */
bool closing_put(int slot, int fd, enum closing_how how);

#endif
