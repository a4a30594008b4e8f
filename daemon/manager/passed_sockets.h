/* SPDX-License-Identifier: MIT */
/*
 * The sockets that the service manager passed (sd_listen_fds(3)). minimiod listens on one; the clients of any other
 * would wait for ever, so that one which cannot be used is an error at the start.
 */
#ifndef MINIMIO_DAEMON_MANAGER_PASSED_SOCKETS_H
#define MINIMIO_DAEMON_MANAGER_PASSED_SOCKETS_H

#include <stdbool.h>

#define PASSED_LISTENER_NAME "minimio.socket"

/* Whether the descriptor comes from a socket unit: its name ends in ".socket" or is "connection", or there is none; or
 * it has a name that no descriptor of the store has, and is a listening or a datagram socket. */
bool passed_from_socket_unit(int fd, const char *name);

/*
 * Which of the passed descriptors minimiod is to listen on: the only one, or of several the one named minimio.socket.
 * Returns its index in `names`, whose descriptors begin with `first`; an element may be NULL: no socket. -ENOENT: none
 * was passed. -EINVAL: there is one that cannot be used; each of them was logged, with the reason.
 */
int passed_find_listener(int first, char *const *names, int count);

#endif
