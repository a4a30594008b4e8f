/* SPDX-License-Identifier: MIT */
/* The replaced connect on Windows: see lookup.c. */
#include "tests/library/own_port.h"

#include <windows.h>

typedef int(WSAAPI *connect_function)(SOCKET, const struct sockaddr *, int);

static int WSAAPI replaced_connect(SOCKET fd, const struct sockaddr *address, int length)
{
    const struct sockaddr *source = connect_source(address, length);
    FARPROC connect_of_winsock = GetProcAddress(GetModuleHandleA("ws2_32.dll"), "connect");

    if (source)
        bind(fd, source, length);
    return ((connect_function)(void *)connect_of_winsock)(fd, address, length);
}

extern connect_function __imp_connect;
connect_function __imp_connect = replaced_connect;
