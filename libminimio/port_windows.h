/* SPDX-License-Identifier: MIT */
/*
 * The I/O completion port of a selector, and waits with a resolution of half a millisecond, better than the system's
 * tick of up to 16 ms.
 */
#ifndef MINIMIO_PORT_WINDOWS_H
#define MINIMIO_PORT_WINDOWS_H

#include <winsock2.h>

#include <windows.h>

#include <stdint.h>

struct port {
    HANDLE handle;
    HANDLE timer;  /* NULL: no timer; the tick limits the resolution of waits */
    BOOL is_timed; /* the timer has ended the wait; waiting thread only */
};

/* Errors: -ENOMEM. */
int port_open(struct port *ret_port);

/* Close the timer, then the port. */
void port_close_timer(struct port *port);
void port_close(struct port *port);

/* Posts a packet without a request. Callable from any thread. */
void port_kick(struct port *port);

/* Takes up to `limit` packets without waiting. Callable from any thread. Returns the number of packets. */
int port_fetch(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit);

/*
 * Waits for packets, in one thread at a time; a negative `timeout_ns` has no limit. Returns the number of packets, 0
 * after the timeout, which is never early, or -EINTR: an asynchronous procedure call of the program (QueueUserAPC) ran
 * in this thread, the equivalent of a signal.
 */
int port_wait(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit, int64_t timeout_ns);

#endif
