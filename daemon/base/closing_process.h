/* SPDX-License-Identifier: MIT */
/*
 * The main function of the closing process, and the messages between the process and the daemon.
 *
 * Owns the workers. Calls the kernel and fd_kind.h.
 */
#ifndef MINIMIO_DAEMON_BASE_CLOSING_PROCESS_H
#define MINIMIO_DAEMON_BASE_CLOSING_PROCESS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#define CLOSING_SLOTS   1024
#define CLOSING_WORKERS 128 /* workers at the same time; the other slots wait */
#define CLOSING_LONERS  512 /* workers for one file each, at the same time */

enum closing_how {
    CLOSING_CLOSE,
    CLOSING_DRAIN, /* a socket: read unread input first, because otherwise the peer's next read fails */
    CLOSING_ALONE, /* a file */
};

struct closing_page {
    atomic_uint halted; /* workers begin no further close */
    struct closing_counts {
        atomic_uint begun, done, alone, alone_begun;
    } slots[CLOSING_SLOTS];
};

#define CLOSING_LEAVE (CLOSING_ALONE + 1) /* request: the daemon has unshared the table */

struct closing_request {
    uint16_t slot, how;
    int32_t fd;
};

/* Never returns. `daemon`: the parent; the process ends after the parent. */
noreturn void closing_process_run(struct closing_page *page, int requests, pid_t daemon);

/* As fork(), but the child shares the descriptor table. */
pid_t closing_fork(void);

#endif
