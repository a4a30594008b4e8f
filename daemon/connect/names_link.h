/* SPDX-License-Identifier: MIT */
/*
 * The daemon's end of the process that looks up names (names_process.h): starts it, starts another when it has ended,
 * and passes messages. Never waits for it.
 */
#ifndef MINIMIO_DAEMON_CONNECT_NAMES_LINK_H
#define MINIMIO_DAEMON_CONNECT_NAMES_LINK_H

#include "daemon/base/reactor.h"
#include "daemon/connect/names_message.h"

#include <sys/types.h>

struct names_link {
    struct reactor *reactor;
    struct source source; /* of the socket; never buried, as it lives as long as the reactor */
    int fd;               /* -1: there is no process */
    pid_t pid;            /* 0: it is reaped */
    struct timer restart, retry;
    uint64_t restart_ms; /* how soon another process is started; longer each time that this fails */
    bool left;           /* none is started any more */
    void (*answered)(struct names_link *link, const struct names_answer *answer);
    void (*ended)(struct names_link *link);                  /* nothing that was asked is answered any more */
    void (*unavailable)(struct names_link *link, int error); /* another process cannot be started, a positive errno */
    void (*writable)(struct names_link *link); /* messages may be taken again, or there is a process again */
};

/* The functions are to be set before. A process that cannot be started is logged, and tried again. */
void names_link_init(struct names_link *link, struct reactor *reactor);
void names_link_deinit(struct names_link *link);

/* For a daemon that becomes another binary: ends the process, and starts another one. */
void names_link_leave(struct names_link *link);
void names_link_return(struct names_link *link);

/* A child of the daemon's has ended. */
void names_link_look(struct names_link *link);

/* Errors: -EAGAIN, not now: `writable` says when; -ENOTCONN, there is no process now: that or `unavailable` comes soon.
 */
int names_link_send(struct names_link *link, const struct names_request *request);

#endif
