/* SPDX-License-Identifier: MIT */
/*
 * The environment of the daemon: the descriptors that clients send, the destinations of connections, and the remote
 * ends of both, which the input writes, reads and closes.
 */
#ifndef MINIMIO_FUZZ_PEERS_H
#define MINIMIO_FUZZ_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

void peers_begin(void);
void peers_end(void); /* closes all peers */

/* Accepts pending connections. */
void peers_accept(void);

/* The index wraps around. Without peers, no effect. */
void peer_write(unsigned index, const char *data, size_t length);
void peer_fill(unsigned index);
bool peer_drain(unsigned index); /* returns whether data was read */
void peer_shutdown(unsigned index);
void peer_close(unsigned index);

/*
 * Makes a descriptor of the kind `kind`, to send and then close; the remote end becomes a peer. -1: unknown kind.
 */
int peer_make(char kind);

/* Replaces connect() in the daemon. The last digit of the port selects the destination: 0 a peer, 1 a closed port, 2
 * a port that does not answer. */
int peers_connect(int fd, const struct sockaddr *address, socklen_t length);

#endif
