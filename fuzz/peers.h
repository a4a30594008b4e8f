/* SPDX-License-Identifier: MIT */
/*
 * The world around the daemon: what its clients send it for descriptors, whom it connects to, and the other ends of
 * both, which the input writes to, reads and closes.
 */
#ifndef MINIMIO_FUZZ_PEERS_H
#define MINIMIO_FUZZ_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

void peers_begin(void);
void peers_end(void); /* closes all of them */

/* Takes in whatever was connected to meanwhile. */
void peers_accept(void);

/* The index wraps around; without peers nothing is done. */
void peer_write(unsigned index, const char *data, size_t length);
void peer_fill(unsigned index);
bool peer_drain(unsigned index); /* whether there was something to read */
void peer_shutdown(unsigned index);
void peer_close(unsigned index);

/*
 * A descriptor of the kind that the letter names, to be sent and closed; its other end is a peer from then on. -1:
 * there is no such kind.
 */
int peer_make(char kind);

/* connect() for the daemon: the last digit of the port says whom it reaches: 0 a peer, 1 nobody, 2 silence. */
int peers_connect(int fd, const struct sockaddr *address, socklen_t length);

#endif
