/* SPDX-License-Identifier: MIT */
/*
 * What the daemon's work costs where nothing is asked of it but the system calls: each serves the bench over one socket
 * until it is closed. None parses anything.
 */
#ifndef MINIMIO_BENCH_FLOORS_H
#define MINIMIO_BENCH_FLOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Relays: a line `{"token":N,"readable":true}` an event, all of a wait's in one write. They begin with receiving their
 * streams, DESCRIPTORS_MAX beside a byte each, until a byte has none. The first is oneshot, and arms again each 32-bit
 * token that it reads; the second is edge-triggered.
 */
void relay_oneshot(int fd);
void relay_edge(int fd);

/* The second, on io_uring, where that is to be had. */
void relay_ring(int fd);
bool ring_is_there(void);

/* What a relay says of a token; returns its length. */
size_t floor_put_line(char *out, uint32_t token);
#define LINE_BYTES 48

/* The reply to a ping for each line that it reads, 50 clients at once; they are the descriptors that come first. */
void replier(int fd);

/*
 * For each order that it reads it connects, or receives and watches, `count` sockets, and answers with a line; `count`
 * 0: it closes all that it has.
 */
struct order {
    uint32_t count;
    uint16_t port;
};
void connect_loop(int fd); /* non-blocking, all at once, each until its end is known */
void receive_loop(int fd); /* the descriptors come behind the order, DESCRIPTORS_MAX beside a byte each */
void prepare_loop(int fd); /* likewise, with what the protocol promises of them: options, addresses, no blocking */

#define REPLIER_CLIENTS 50

#endif
