/* SPDX-License-Identifier: MIT */
/*
 * Peers for minimioctl to meet: TCP ports on loopback of every kind, and a daemon that says what a test wants it to.
 * What fails here fails the test.
 */
#ifndef MINIMIO_TESTS_CLIENT_NETWORK_H
#define MINIMIO_TESTS_CLIENT_NETWORK_H

#include <stdint.h>

struct port {
    int fd;
    char address[32]; /* "127.0.0.1:PORT" */
};

void port_bind(struct port *ret_port); /* refuses connections until port_listen */
void port_listen(struct port *port);
void port_open(struct port *ret_port); /* both */
int port_accept(struct port *port);    /* the next connection, awaited */
void port_close(struct port *port);

/* A port whose queue of connections is full: it answers no more of them, and refuses none. */
#define BLACK_HOLE_FILL 8
struct black_hole {
    struct port port;
    int fill[BLACK_HOLE_FILL];
};
void black_hole_open(struct black_hole *ret_hole);
void black_hole_close(struct black_hole *hole);

/* A Unix socket that listens in a folder of its own. */
struct fake_daemon {
    int fd;
    char folder[96];
    char socket[112];
};
void fake_daemon_open(struct fake_daemon *ret_daemon);
void fake_daemon_close(struct fake_daemon *daemon);

/* Accepts a session and reads its first line. Returns the session's socket. */
int fake_daemon_accept(struct fake_daemon *daemon);
void receive_line(int fd);
void fake_daemon_say(int fd, const char *text);

/* A proxy of a daemon's socket: it passes bytes and no descriptors, as ssh and socat do. */
struct relay {
    struct fake_daemon front;
    int pid;
};
void relay_open(struct relay *ret_relay, const char *socket);
void relay_close(struct relay *relay);

#endif
