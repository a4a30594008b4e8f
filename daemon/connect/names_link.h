/* SPDX-License-Identifier: MIT */
/*
 * The daemon's end of the name lookup process (names_process.h): starts the process, restarts after an end, and passes
 * messages. Never blocks, except in names_link_leave.
 *
 * Owns the socket and the process. Calls the reactor and the callbacks.
 */
#ifndef MINIMIO_DAEMON_CONNECT_NAMES_LINK_H
#define MINIMIO_DAEMON_CONNECT_NAMES_LINK_H

#include "daemon/base/reactor.h"
#include "daemon/connect/names_message.h"

#include <sys/types.h>

struct names_link {
    struct reactor *reactor;
    struct source source; /* of the socket; never freed by the reactor, and as long-lived */
    int fd;               /* of the socket; -1: no process */
    pid_t pid;            /* 0: no process, or reaped */
    struct timer restart, retry;
    uint64_t restart_ms; /* delay of the next restart in ms; doubled at each failure */
    bool left;           /* after names_link_leave: no restart */
    void (*answered)(struct names_link *link, const struct names_answer *answer);
    void (*ended)(struct names_link *link);                  /* orders sent so far get no answer */
    void (*unavailable)(struct names_link *link, int error); /* a restart failed with this positive errno */
    void (*writable)(struct names_link *link);               /* the process may take messages again, or was restarted */
};

/* Starts the process. The callbacks must be set before. A failed start is logged and repeated. */
void names_link_init(struct names_link *link, struct reactor *reactor);
void names_link_deinit(struct names_link *link);

/* Before an exec: kills the process, and waits up to 100 ms. After a failed exec: starts the process again. */
void names_link_leave(struct names_link *link);
void names_link_return(struct names_link *link);

/* A child process of the daemon ended: reaps the process, if so. */
void names_link_look(struct names_link *link);

/* Sends an order. Errors: -EAGAIN, the socket is full, `writable` follows; -ENOTCONN, no process, `writable` or
 * `unavailable` follows. */
int names_link_send(struct names_link *link, const struct names_request *request);

#endif
