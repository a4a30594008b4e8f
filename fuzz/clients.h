/* SPDX-License-Identifier: MIT */
/*
 * The clients of the daemon. A client records all bytes written and received until the end of the run, when answers.c
 * checks both.
 */
#ifndef MINIMIO_FUZZ_CLIENTS_H
#define MINIMIO_FUZZ_CLIENTS_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct client {
    int fd;                 /* -1: not connected */
    struct buffer sent;     /* all bytes written */
    struct buffer received; /* all bytes read */
    unsigned descriptors;   /* descriptors received */
    bool half_closed;
    bool ended;           /* the daemon has closed the session */
    bool left;            /* the client closed without waiting for its answers */
    bool handed_over;     /* the daemon ended the session for another binary */
    bool sent_own_socket; /* the client has sent its own socket to the daemon, which may now write as the client */
};

void client_init(struct client *client);
void client_deinit(struct client *client);

/* Connects a new client. False: the listen queue is full, and the client stays unconnected. */
bool client_connect(struct client *client, const struct sockaddr_un *address, socklen_t length);

/* Writes as many bytes as the socket accepts, with descriptors of these kinds ('x': the client's own socket). */
void client_write(struct client *client, const char *data, size_t length, const char *kinds, size_t kind_count);

/* Reads at most `most` bytes. Returns whether bytes or the end arrived. */
bool client_read(struct client *client, size_t most);

void client_shutdown(struct client *client);
void client_close(struct client *client);

#endif
