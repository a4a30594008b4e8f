/* SPDX-License-Identifier: MIT */
/*
 * Addresses as text: what clients write, and what they are told.
 */
#ifndef MINIMIO_DAEMON_BASE_ADDRESS_H
#define MINIMIO_DAEMON_BASE_ADDRESS_H

#include "proto/endpoint.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX 72 /* "[v6%scope]:port" and a NUL */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct target {
    enum endpoint_kind kind;
    char host[ENDPOINT_HOST_MAX + 2]; /* with the dot at its end, if it was written */
    char zone[ENDPOINT_ZONE_MAX + 1]; /* "": none */
    uint8_t bytes[16];                /* of a V4 or V6, as in struct endpoint */
    uint16_t port;
};

/* Reads "host:port" or "[v6]:port"; `*ret_target` is written if the text is one. */
enum endpoint_fault target_parse(struct span text, struct target *ret_target);

/* The address that the host is; never asks a name server. Errors: -ENOENT, the host is a name; -ENODEV, the zone names
 * no network interface. */
int target_literal(const struct target *target, union address *ret_address);

void address_set_port(union address *address, uint16_t port);
socklen_t address_length(const union address *address);

/* "127.0.0.1:80", "[::1]:80"; "" for a family that has no such text. */
void address_format(const struct sockaddr *address, char ret_text[ADDRESS_TEXT_MAX]);

/* The address of a socket, or that of its peer: `get` is getsockname or getpeername. "": there is none. */
typedef int address_getter(int fd, struct sockaddr *address, socklen_t *length);
void address_of_socket(int fd, address_getter *get, char ret_text[ADDRESS_TEXT_MAX]);

#endif
