/* SPDX-License-Identifier: MIT */
/*
 * The path of the daemon's socket, for the daemon and the clients.
 */
#ifndef MINIMIO_PROTO_SOCKET_PATH_H
#define MINIMIO_PROTO_SOCKET_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define SOCKET_PATH_SIZE 108 /* of a Unix socket's address on Linux, with NUL; smaller on other systems */

#define SYSTEM_SOCKET_PATH "/run/minimio/minimio.sock"

/*
 * The path that a daemon listens at: the first non-empty value of `option` (NULL: not given), $MINIMIO_SOCKET,
 * minimio.sock in the user's runtime folder, and /run/minimio/minimio.sock. The path need not exist. For root, the
 * runtime folder is $XDG_RUNTIME_DIR only: root's daemon is the system's daemon, and /run/user/0 disappears when root
 * logs out. Errors: -EINVAL, `option` is empty; -ENAMETOOLONG, the path is longer than `size` or a socket's address.
 */
int socket_path_to_listen(const char *option, char *ret_path, size_t size);

/*
 * The path that a client connects to. Differs from socket_path_to_listen without $XDG_RUNTIME_DIR: the socket in
 * /run/user/UID, also for root, is used if the socket exists or if the system's socket does not exist. Errors as above.
 */
int socket_path(const char *option, char *ret_path, size_t size);

/*
 * The user's runtime folder: $XDG_RUNTIME_DIR, or, if unset (cron, su, sudo), /run/user/UID if the folder belongs to
 * the user and is not writable for other users. False: no runtime folder, or the path is longer than `size`.
 */
bool runtime_folder(char *ret_path, size_t size);

#endif
