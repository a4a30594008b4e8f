/* SPDX-License-Identifier: MIT */
/*
 * The datagram socket to the service manager, in the protocol of sd_notify(3). sd_notify itself would block while the
 * manager's queue is full, and with the daemon every client. notify_socket_send returns -EAGAIN instead, and the
 * reactor has a turn when there is room.
 *
 * Owns the socket. Calls the reactor and the log.
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
    int fd;    /* -1: no manager, or the connection is lost */
    bool full; /* the manager's queue is full, until the kernel reports room or the timer expires */
};

/* `address`: $NOTIFY_SOCKET, a path or, after a '@', an abstract name; NULL: no manager. `address` must outlive the
 * socket. An address that cannot be reached is logged, and means no manager. */
void notify_socket_init(struct notify_socket *notify, struct reactor *reactor, const char *address);
void notify_socket_deinit(struct notify_socket *notify);

bool notify_socket_is_open(const struct notify_socket *notify);

/*
 * Sends one message, with a duplicate of `fd` unless `fd` is -1. After success the manager has the message and the
 * duplicate, even if this process dies. Errors: -EAGAIN, the queue is full; the reactor has a turn when another attempt
 * is worthwhile. -ENOTCONN, no manager, or the connection is lost.
 */
int notify_socket_send(struct notify_socket *notify, const char *text, size_t length, int fd);

#endif
