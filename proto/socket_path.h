/* SPDX-License-Identifier: MIT */
/*
 * Where the daemon's socket is: one answer for the daemon and its clients.
 */
#ifndef MINIMIO_PROTO_SOCKET_PATH_H
#define MINIMIO_PROTO_SOCKET_PATH_H

#include <stddef.h>

#define SOCKET_PATH_SIZE 108 /* what a Unix socket's address holds on Linux, NUL included; elsewhere it is less */

#define SYSTEM_SOCKET_PATH "/run/minimio/minimio.sock"

/*
 * The first that is set and not empty: `option` (NULL: none was given), $MINIMIO_SOCKET,
 * $XDG_RUNTIME_DIR/minimio.sock, /run/minimio/minimio.sock. It need not exist.
 * Errors: -EINVAL, an empty `option`; -ENAMETOOLONG, more than `size` or than a socket's address holds.
 */
int socket_path(const char *option, char *ret_path, size_t size);

#endif
