/* SPDX-License-Identifier: MIT */
/* The closing process itself, and what it and the daemon say to each other. */
#ifndef MINIMIO_DAEMON_CLOSING_PROCESS_H
#define MINIMIO_DAEMON_CLOSING_PROCESS_H

#include "daemon/closing.h"

#include <stdatomic.h>
#include <stdnoreturn.h>
#include <sys/types.h>

struct closing_page {
    atomic_uint halted; /* workers begin no more */
    struct closing_counts {
        atomic_uint begun, done, alone, alone_begun;
    } slots[CLOSING_SLOTS];
};

#define CLOSING_LEAVE (CLOSING_ALONE + 1) /* the daemon has left the table */

struct closing_request {
    uint16_t slot, how;
    int32_t fd;
};

/* Never returns. `daemon`: its parent, which it does not outlive. */
noreturn void closing_process_run(struct closing_page *page, int requests, pid_t daemon);

/* As fork(), but the child shares the table of descriptors. */
pid_t closing_fork(void);

#endif
