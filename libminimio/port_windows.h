/* SPDX-License-Identifier: MIT */
/*
 * The I/O completion port that a selector waits at, and the waiting: to the microsecond rather than to the system's
 * tick of up to 16 ms.
 */
#ifndef MINIMIO_PORT_WINDOWS_H
#define MINIMIO_PORT_WINDOWS_H

#include <winsock2.h>

#include <windows.h>

#include <stdint.h>

struct port {
    HANDLE handle;
    HANDLE timer;  /* NULL: there is none, and waits are as long as the system's tick makes them */
    BOOL is_timed; /* the timer has ended the wait; the waiting thread's alone */
};

/* Errors: -ENOMEM. */
int port_open(struct port *ret_port);

/* Give up what waiting needs, then the port itself. */
void port_close_timer(struct port *port);
void port_close(struct port *port);

/* Posts a packet without a request. Any thread. */
void port_kick(struct port *port);

/* The packets that are there, at most `limit`; any thread. Returns how many. */
int port_take(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit);

/*
 * Waits for packets, by one thread at a time; negative: without limit. Returns how many came, 0 at the timeout, which
 * is never early, or -EINTR: an asynchronous procedure call of the program's (QueueUserAPC) ran in this thread, which
 * is this platform's signal.
 */
int port_wait(struct port *port, OVERLAPPED_ENTRY *packets, ULONG limit, int64_t timeout_ns);

#endif
