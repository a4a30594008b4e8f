/* SPDX-License-Identifier: MIT */
/*
 * The daemon's clients: what each has written and what it was told, kept until the end, when answers.c looks at both.
 */
#ifndef MINIMIO_FUZZ_CLIENTS_H
#define MINIMIO_FUZZ_CLIENTS_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct client {
    int fd;               /* -1: not connected */
    struct buffer said;   /* all that it wrote */
    struct buffer told;   /* all that it read */
    unsigned descriptors; /* that came with it */
    bool half_closed;
    bool ended;       /* the daemon has closed the session */
    bool left;        /* it closed without waiting for what was to come */
    bool handed_over; /* the daemon ended its session for another binary */
    bool has_own;     /* it sent its own end of the session to the daemon, which may now say anything for it */
};

void client_init(struct client *client);
void client_deinit(struct client *client);

/* Connects one that never was; false: there is no room for it, and it never is. */
bool client_connect(struct client *client, const struct sockaddr_un *address, socklen_t length);

/* Writes what the socket takes, with descriptors of these kinds beside it ('x': its own end of the session). */
void client_write(struct client *client, const char *data, size_t length, const char *kinds, size_t kind_count);

/* Reads at most so many bytes; whether anything came, the end included. */
bool client_read(struct client *client, size_t most);

void client_shutdown(struct client *client);
void client_close(struct client *client);

#endif
