/* SPDX-License-Identifier: MIT */
/*
 * Selects the listening socket among the sockets that the service manager passed (sd_listen_fds(3)). minimiod listens
 * on one socket. Clients of any other passed socket would wait forever, so an unusable socket is an error at the start.
 *
 * Owns nothing. Calls the kernel and the log.
 */
#ifndef MINIMIO_DAEMON_MANAGER_PASSED_SOCKETS_H
#define MINIMIO_DAEMON_MANAGER_PASSED_SOCKETS_H

#include <stdbool.h>

#define PASSED_LISTENER_NAME "minimio.socket"

/* Whether a socket unit passed the descriptor: the name ends in ".socket", is "connection" or is missing; or no
 * descriptor of the store can have the name, and the descriptor is a listening or a datagram socket. */
bool passed_from_socket_unit(int fd, const char *name);

/*
 * Finds the socket to listen on: the only passed socket, or of several the socket named minimio.socket. Returns the
 * index in `names`, whose descriptor is `first` plus the index; a NULL element is no socket. Errors: -ENOENT, no socket
 * was passed; -EINVAL, some sockets cannot be used, and each is logged with the reason.
 */
int passed_find_listener(int first, char *const *names, int count);

#endif
