/* SPDX-License-Identifier: MIT */
/* Owns the initialization of Winsock; converts errors and finds base sockets. */
#include "libminimio/winsock_windows.h"

#include <windows.h>
#include <mswsock.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static int start_result; /* written once, before `started` is set */
static INIT_ONCE started = INIT_ONCE_STATIC_INIT;

static BOOL CALLBACK initialize_once(INIT_ONCE *once, void *argument, void **context)
{
    WSADATA data;

    (void)once;
    (void)argument;
    (void)context;
    start_result = winsock_error(WSAStartup(MAKEWORD(2, 2), &data));
    return TRUE;
}

int winsock_start(void)
{
    InitOnceExecuteOnce(&started, initialize_once, NULL, NULL);
    return start_result;
}

/* The only table of errors. */
static const struct {
    int winsock;
    int error;
} errors[] = {
    {0, 0},
    {WSA_INVALID_HANDLE, EBADF},
    {WSA_INVALID_PARAMETER, EINVAL},
    {WSA_IO_PENDING, EINPROGRESS},
    {WSA_NOT_ENOUGH_MEMORY, ENOMEM},
    {WSA_OPERATION_ABORTED, ECANCELED},
    {WSAEACCES, EACCES},
    {WSAEADDRINUSE, EADDRINUSE},
    {WSAEADDRNOTAVAIL, EADDRNOTAVAIL},
    {WSAEAFNOSUPPORT, EAFNOSUPPORT},
    {WSAEALREADY, EALREADY},
    {WSAEBADF, EBADF},
    {WSAECONNABORTED, ECONNABORTED},
    {WSAECONNREFUSED, ECONNREFUSED},
    {WSAECONNRESET, ECONNRESET},
    {WSAEDESTADDRREQ, EDESTADDRREQ},
    {WSAEDISCON, EPIPE},
    {WSAEFAULT, EFAULT},
    {WSAEHOSTDOWN, EHOSTUNREACH},
    {WSAEHOSTUNREACH, EHOSTUNREACH},
    {WSAEINPROGRESS, EINPROGRESS},
    {WSAEINTR, EINTR},
    {WSAEINVAL, EINVAL},
    {WSAEISCONN, EISCONN},
    {WSAEMFILE, EMFILE},
    {WSAEMSGSIZE, EMSGSIZE},
    {WSAENETDOWN, ENETDOWN},
    {WSAENETRESET, ENETRESET},
    {WSAENETUNREACH, ENETUNREACH},
    {WSAENOBUFS, ENOBUFS},
    {WSAENOPROTOOPT, ENOPROTOOPT},
    {WSAENOTCONN, ENOTCONN},
    {WSAENOTSOCK, ENOTSOCK},
    {WSAEOPNOTSUPP, EOPNOTSUPP},
    {WSAEPFNOSUPPORT, EAFNOSUPPORT},
    {WSAEPROCLIM, EAGAIN},
    {WSAEPROTONOSUPPORT, EPROTONOSUPPORT},
    {WSAEPROTOTYPE, EPROTOTYPE},
    {WSAEPROVIDERFAILEDINIT, ENOSYS},
    {WSAESHUTDOWN, EPIPE},
    {WSAESOCKTNOSUPPORT, EPROTONOSUPPORT},
    {WSAETIMEDOUT, ETIMEDOUT},
    {WSAEWOULDBLOCK, EAGAIN},
    {WSASYSNOTREADY, ENETDOWN},
    {WSAVERNOTSUPPORTED, ENOSYS},
    {WSANOTINITIALISED, ENETDOWN},
};

int winsock_error(int error)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].winsock == error)
            return -errors[i].error;
    return -EIO;
}

int winsock_last_error(void)
{
    return winsock_error(WSAGetLastError());
}

static bool query_socket(SOCKET socket, DWORD what, SOCKET *ret_answer)
{
    DWORD length;

    return WSAIoctl(socket, what, NULL, 0, ret_answer, sizeof *ret_answer, &length, NULL, NULL) == 0;
}

/* Winsock returns WSAENOTSOCK for a closed handle, a file and a pipe alike. */
static int no_socket_error(SOCKET socket)
{
    DWORD flags;

    /* Pseudo handles, for example of the process itself, are never opened; no real handle is as high. */
    if (socket >= 0x7fffff00 || !GetHandleInformation((HANDLE)socket, &flags))
        return -EBADF;
    return -EPERM;
}

int winsock_base_socket(SOCKET socket, SOCKET *ret_base)
{
    int type, length = sizeof type;

    /* Checked first, because wine answers SIO_BASE_HANDLE for any handle. */
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &length) != 0)
        return no_socket_error(socket);
    /* Each round descends one layer. The limit ends a faulty stack of layers that never reaches the base. */
    for (int layer = 0; layer < 32; layer++) {
        SOCKET next;
        if (query_socket(socket, SIO_BASE_HANDLE, ret_base))
            return 0;
        /* Layers must pass SIO_BASE_HANDLE on, but some answer with an error. Such layers pass SIO_BSP_HANDLE_POLL
         * on. */
        if (!query_socket(socket, SIO_BSP_HANDLE_POLL, &next) || next == socket)
            break;
        socket = next;
    }
    return -EPERM;
}
