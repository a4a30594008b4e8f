/* SPDX-License-Identifier: MIT */
/*
 * Winsock: its start, which the library sees to itself, and its errors as errno values.
 */
#ifndef MINIMIO_WINSOCK_WINDOWS_H
#define MINIMIO_WINSOCK_WINDOWS_H

#include <winsock2.h>

/*
 * Starts Winsock, once in the life of the process; it is never stopped, for sockets may outlive every queue. Any
 * thread, any number of times. Error: what WSAStartup gave, as a negative errno value.
 */
int winsock_start(void);

/* A WSAE… value as a negative errno value; -EIO where there is none for it. */
int winsock_error(int error);

/* The calling thread's last error of Winsock's, as a negative errno value. */
int winsock_last_error(void);

/*
 * The socket beneath all layered providers, which is the one that AFD knows.
 * Errors: -EBADF, a closed handle; -EPERM, not a socket.
 */
int winsock_base_socket(SOCKET socket, SOCKET *ret_base);

#endif
