/* SPDX-License-Identifier: MIT */
/*
 * AFD, the driver beneath Winsock: poll requests that complete through an I/O completion port. Winsock's own select
 * and WSAPoll are made of the same request, but wait for it.
 *
 * A request asks once, of one socket: it completes at once if any of the events is so already, else when the first of
 * them comes about, or when it is cancelled. Its memory is the kernel's from a successful afd_poll until its
 * completion has been taken from the port; whether it completed or was cancelled, exactly one comes.
 */
#ifndef MINIMIO_AFD_WINDOWS_H
#define MINIMIO_AFD_WINDOWS_H

#include <winsock2.h>

#include <windows.h>
#include <winternl.h>

#include <stdbool.h>
#include <stdint.h>

/* What can be asked for. Each is a state that lasts, but LOCAL_CLOSE: the last handle of the socket was closed. */
#define AFD_POLL_RECEIVE           0x0001
#define AFD_POLL_RECEIVE_EXPEDITED 0x0002 /* out-of-band data, unless SO_OOBINLINE makes it ordinary */
#define AFD_POLL_SEND              0x0004
#define AFD_POLL_DISCONNECT        0x0008 /* the peer's end has come, though there may be data before it */
#define AFD_POLL_ABORT             0x0010 /* a reset */
#define AFD_POLL_LOCAL_CLOSE       0x0020
#define AFD_POLL_ACCEPT            0x0080
#define AFD_POLL_CONNECT_FAIL      0x0100

/* The request as the driver reads and writes it. */
struct afd_poll_socket {
    HANDLE socket;
    ULONG events;
    LONG status;
};
struct afd_poll_info {
    LARGE_INTEGER timeout;
    ULONG count;
    ULONG exclusive;
    struct afd_poll_socket sockets[1];
};

struct afd_request {
    IO_STATUS_BLOCK result;
    struct afd_poll_info info;
    void *owner;     /* the caller's own */
    uint32_t events; /* what it asks for */
    bool pending;    /* the kernel has it */
    bool cancelled;  /* afd_cancel was called since */
};

/* Opens a handle to send requests to, which complete through `port`. Errors: -EMFILE, -ENOMEM, -EIO. */
int afd_open(HANDLE port, HANDLE *ret_afd);

/* Sends a request that is not pending. Errors: -EBADF, the socket is closed; -EPERM; -ENOMEM; -EIO. */
int afd_poll(HANDLE afd, SOCKET base_socket, uint32_t events, struct afd_request *request);

/* Makes a pending request complete soon; as it was, if it had completed already. */
void afd_cancel(HANDLE afd, struct afd_request *request);

/*
 * Takes up a request whose completion came: it is the caller's again. Returns its events; none if it was cancelled,
 * unless an event was faster.
 */
uint32_t afd_complete(struct afd_request *request);

#endif
