/* SPDX-License-Identifier: MIT */
/* Winsock's start, errors and layers. */
#include "libminimio/winsock_windows.h"

#include <windows.h>
#include <mswsock.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static int start_result; /* written once, before `started` is */
static INIT_ONCE started = INIT_ONCE_STATIC_INIT;

static BOOL CALLBACK start(INIT_ONCE *once, void *argument, void **context)
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
    InitOnceExecuteOnce(&started, start, NULL, NULL);
    return start_result;
}

/* The one table of errors. */
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

static bool ask_for_socket(SOCKET socket, DWORD what, SOCKET *ret_answer)
{
    DWORD length;

    return WSAIoctl(socket, what, NULL, 0, ret_answer, sizeof *ret_answer, &length, NULL, NULL) == 0;
}

/* Winsock calls a closed handle, a file and a pipe alike "not a socket". */
static int why_no_socket(SOCKET socket)
{
    DWORD flags;

    /* No handle is as high as the pseudo handles, of the process itself and the like, which nobody has opened. */
    if (socket >= 0x7fffff00 || !GetHandleInformation((HANDLE)socket, &flags))
        return -EBADF;
    return -EPERM;
}

int winsock_base_socket(SOCKET socket, SOCKET *ret_base)
{
    int type, length = sizeof type;

    /* Asked first, for wine answers SIO_BASE_HANDLE whatever the handle is. */
    if (getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &length) != 0)
        return why_no_socket(socket);
    /* Each turn goes a layer down; there is no such stack of layers, but a faulty one must not turn for ever. */
    for (int layer = 0; layer < 32; layer++) {
        SOCKET next;
        if (ask_for_socket(socket, SIO_BASE_HANDLE, ret_base))
            return 0;
        /* No layer may answer SIO_BASE_HANDLE itself, but some do, with an error. They let this one through. */
        if (!ask_for_socket(socket, SIO_BSP_HANDLE_POLL, &next) || next == socket)
            break;
        socket = next;
    }
    return -EPERM;
}
