/* SPDX-License-Identifier: MIT */
/*
 * Addresses as text: clients write them, replies contain them.
 *
 * Owns nothing. Calls proto's parser of endpoints and if_nametoindex(3); never asks a name server.
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
    char host[ENDPOINT_HOST_MAX + 2]; /* including a trailing dot that the client wrote */
    char zone[ENDPOINT_ZONE_MAX + 1]; /* "": none */
    uint8_t bytes[16];                /* for V4 and V6, as in struct endpoint */
    uint16_t port;
};

/* Parses "host:port" or "[v6]:port". Writes `*ret_target` on success only. */
enum endpoint_fault target_parse(struct span text, struct target *ret_target);

/* Writes the address of a literal host; never asks a name server. Errors: -ENOENT, the host is a name; -ENODEV, the
 * zone names no network interface. */
int target_literal(const struct target *target, union address *ret_address);

void address_set_port(union address *address, uint16_t port);
socklen_t address_length(const union address *address);

/* "127.0.0.1:80", "[::1]:80"; "" for any other address family. */
void address_format(const struct sockaddr *address, char ret_text[ADDRESS_TEXT_MAX]);

/* The local or the remote address of a socket: `get` is getsockname or getpeername. "" on an error of `get`. */
typedef int address_getter(int fd, struct sockaddr *address, socklen_t *length);
void address_of_socket(int fd, address_getter *get, char ret_text[ADDRESS_TEXT_MAX]);

#endif
