/* SPDX-License-Identifier: MIT */
/* The closing process itself, and what it and the daemon say to each other. */
#ifndef MINIMIO_DAEMON_BASE_CLOSING_PROCESS_H
#define MINIMIO_DAEMON_BASE_CLOSING_PROCESS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#define CLOSING_SLOTS   1024
#define CLOSING_WORKERS 128 /* at work at once; the other slots wait */
#define CLOSING_LONERS  512 /* likewise, of those for one file each */

enum closing_how {
    CLOSING_CLOSE,
    CLOSING_DRAIN, /* a socket: what is unread is read first, lest the peer's next read fail */
    CLOSING_ALONE, /* a file */
};

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

/* fork(), but the child shares the table of descriptors. */
pid_t closing_fork(void);

#endif
