/* SPDX-License-Identifier: MIT */
/*
 * The datagrams to the service manager, in sd_notify(3)'s protocol. sd_notify itself would wait where the manager's
 * queue is full, and with it every client of the daemon; here the caller is told, and there is a turn when there is
 * room again.
 */
#ifndef MINIMIO_DAEMON_MANAGER_NOTIFY_SOCKET_H
#define MINIMIO_DAEMON_MANAGER_NOTIFY_SOCKET_H

#include "daemon/base/reactor.h"

#include <stdbool.h>
#include <stddef.h>

struct notify_socket {
    struct source room;
    struct timer retry;
    struct reactor *reactor;
    const char *address;
    int fd;    /* -1: there is no manager, or not any more */
    bool full; /* until the kernel says that there is room, or the timer expires */
};

/* `address`: $NOTIFY_SOCKET, a path or, behind a '@', an abstract name; NULL: no manager. It must outlive the link. One
 * that cannot be reached is said in the log and is none. */
void notify_socket_init(struct notify_socket *link, struct reactor *reactor, const char *address);
void notify_socket_deinit(struct notify_socket *link);

bool notify_socket_is_open(const struct notify_socket *link);

/*
 * Sends one message, and a duplicate of a descriptor with it if `fd` is not -1; the manager then has it, whatever
 * becomes of this process. Errors: -EAGAIN, not now, and a turn follows when it can be tried again; -ENOTCONN, there is
 * no manager any more.
 */
int notify_socket_send(struct notify_socket *link, const char *text, size_t length, int fd);

#endif
