/* SPDX-License-Identifier: MIT */
/*
 * Addresses as text: what clients write, and what they are told.
 */
#ifndef MINIMIO_DAEMON_ADDRESS_H
#define MINIMIO_DAEMON_ADDRESS_H

#include "proto/buffer.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_HOST_MAX 253 /* a DNS name's longest text */
#define ADDRESS_TEXT_MAX 72  /* "[v6%scope]:port" and a NUL */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct target {
    char host[ADDRESS_HOST_MAX + 1];
    uint16_t port;
    bool bracketed; /* "[v6]:port": nothing but a v6 literal */
};

/* "host:port" or "[v6]:port". Error: -EINVAL, not of that form. */
int target_parse(struct span text, struct target *ret_target);

/* The literal that the host is, if it is one; never asks a name server. Error: -ENOENT, it is a name. */
int target_literal(const struct target *target, union address *ret_address);

void address_set_port(union address *address, uint16_t port);
socklen_t address_length(const union address *address);

/* "127.0.0.1:80", "[::1]:80"; "" for a family that has no such text. */
void address_format(const struct sockaddr *address, char ret_text[ADDRESS_TEXT_MAX]);

#endif
