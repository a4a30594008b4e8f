/* SPDX-License-Identifier: MIT */
/*
 * Where the daemon's socket is: one answer for the daemon and its clients.
 */
#ifndef MINIMIO_PROTO_SOCKET_PATH_H
#define MINIMIO_PROTO_SOCKET_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define SOCKET_PATH_SIZE 108 /* what a Unix socket's address holds on Linux, NUL included; elsewhere it is less */

#define SYSTEM_SOCKET_PATH "/run/minimio/minimio.sock"

/*
 * Where a daemon listens: the first that is set and not empty: `option` (NULL: none was given), $MINIMIO_SOCKET,
 * minimio.sock in the user's runtime folder, /run/minimio/minimio.sock. It need not exist. Root has a runtime folder
 * only by $XDG_RUNTIME_DIR: the daemon of root is the system's, and /run/user/0 goes away when root logs out. Errors:
 * -EINVAL, an empty `option`; -ENAMETOOLONG, more than `size` or than a socket's address holds.
 */
int socket_path_to_listen(const char *option, char *ret_path, size_t size);

/*
 * Where a client connects: likewise, but without $XDG_RUNTIME_DIR the socket in /run/user/UID, root's too, is used only
 * if it exists, or if the system's does not.
 */
int socket_path(const char *option, char *ret_path, size_t size);

/*
 * The user's runtime folder: $XDG_RUNTIME_DIR; where that is unset, as cron, su and sudo leave it, /run/user/UID, if it
 * is a folder that belongs to the user and that nobody else may write to. False: there is none, or it does not fit.
 */
bool runtime_folder(char *ret_path, size_t size);

#endif
