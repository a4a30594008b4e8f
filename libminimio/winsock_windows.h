/* SPDX-License-Identifier: MIT */
/*
 * Winsock: initialization by the library, and errors as errno values.
 */
#ifndef MINIMIO_WINSOCK_WINDOWS_H
#define MINIMIO_WINSOCK_WINDOWS_H

#include <winsock2.h>

/*
 * Initializes Winsock once per process; never undone, because sockets may outlive every queue. Idempotent, callable
 * from any thread. Error: the error of WSAStartup as a negative errno.
 */
int winsock_start(void);

/* Converts a WSAE… value to a negative errno; -EIO if unknown. */
int winsock_error(int error);

/* The calling thread's last Winsock error as a negative errno. */
int winsock_last_error(void);

/*
 * The socket below all layered providers, which AFD knows. Errors: -EBADF, a closed handle; -EPERM, not a socket.
 */
int winsock_base_socket(SOCKET socket, SOCKET *ret_base);

#endif
