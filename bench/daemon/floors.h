/* SPDX-License-Identifier: MIT */
/*
 * Floors: servers that do the daemon's work with bare system calls and without parsing. Each serves the bench over one
 * socket until the socket is closed.
 */
#ifndef MINIMIO_BENCH_FLOORS_H
#define MINIMIO_BENCH_FLOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Relays write a line `{"token":N,"readable":true}` for each event, and all lines of a wait in one write. A relay first
 * receives its streams, DESCRIPTORS_MAX with each byte, until a byte without a descriptor. relay_oneshot is oneshot,
 * and re-arms each 32-bit token that arrives; relay_edge is edge-triggered.
 */
void relay_oneshot(int fd);
void relay_edge(int fd);

/* relay_edge on io_uring, if available. */
void relay_ring(int fd);
bool ring_is_there(void);

/* Writes a relay's line for a token; returns the length. */
size_t floor_put_line(char *out, uint32_t token);
#define LINE_BYTES 48

/* Replies to a ping for each line, for 50 clients, whose descriptors arrive first. */
void replier(int fd);

/*
 * For each order connects, or receives and watches, `count` sockets, and answers with a line. `count` 0: closes all
 * sockets.
 */
struct order {
    uint32_t count;
    uint16_t port;
};
void connect_loop(int fd); /* non-blocking, all at once, each until the result is known */
void receive_loop(int fd); /* the descriptors follow the order, DESCRIPTORS_MAX with each byte */
void prepare_loop(int fd); /* as receive_loop, with the daemon's guarantees: options, addresses, non-blocking */

#define REPLIER_CLIENTS 50

#endif
