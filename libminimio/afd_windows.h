/* SPDX-License-Identifier: MIT */
/*
 * AFD, the driver below Winsock: poll requests that complete through an I/O completion port. select and WSAPoll use the
 * same request, but block.
 *
 * A request polls one socket once. The request completes at once if an event is already present, otherwise with the
 * first event, or when cancelled. The kernel owns the memory of a request from a successful afd_poll until the
 * completion is taken from the port. Each request has exactly one completion, also when cancelled.
 */
#ifndef MINIMIO_AFD_WINDOWS_H
#define MINIMIO_AFD_WINDOWS_H

#include <winsock2.h>

#include <windows.h>
#include <winternl.h>

#include <stdbool.h>
#include <stdint.h>

/* The events. Each event is a lasting state, except LOCAL_CLOSE: the last handle of the socket was closed. */
#define AFD_POLL_RECEIVE           0x0001
#define AFD_POLL_RECEIVE_EXPEDITED 0x0002 /* out-of-band data, unless SO_OOBINLINE makes the data ordinary */
#define AFD_POLL_SEND              0x0004
#define AFD_POLL_DISCONNECT        0x0008 /* the peer has sent FIN; unread data may precede FIN */
#define AFD_POLL_ABORT             0x0010 /* a reset */
#define AFD_POLL_LOCAL_CLOSE       0x0020
#define AFD_POLL_ACCEPT            0x0080
#define AFD_POLL_CONNECT_FAIL      0x0100

/* The request in the driver's format. */
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
    void *owner;     /* for the caller */
    uint32_t events; /* the requested events */
    bool pending;    /* owned by the kernel */
    bool cancelled;  /* afd_cancel was called after the send */
};

/* Opens a handle for requests, which complete through `port`. Errors: -EMFILE, -ENOMEM, -EIO. */
int afd_open(HANDLE port, HANDLE *ret_afd);

/* Sends a request that is not pending. Errors: -EBADF, the socket is closed; -EPERM, not a socket; -ENOMEM; -EIO. */
int afd_poll(HANDLE afd, SOCKET base_socket, uint32_t events, struct afd_request *request);

/* Makes a pending request complete soon. No effect if the request has already completed. */
void afd_cancel(HANDLE afd, struct afd_request *request);

/*
 * Handles a completion: the caller owns the request again. Returns the events; 0 if the request was cancelled before an
 * event.
 */
uint32_t afd_complete(struct afd_request *request);

#endif
