/* SPDX-License-Identifier: MIT */
/*
 * Parser of "host:port" and "[v6]:port". The parser rejects a host that looks like a number and is not a dotted quad,
 * because inet_aton and getaddrinfo accept further numeric forms (octal, hexadecimal, fewer parts). libminimio's
 * host_port.c implements the same rule; the tests compare both parsers with vectors/addresses.jsonl.
 */
#ifndef MINIMIO_PROTO_ENDPOINT_H
#define MINIMIO_PROTO_ENDPOINT_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define ENDPOINT_HOST_MAX 253 /* bytes of a DNS name, without the final dot */
#define ENDPOINT_ZONE_MAX 15  /* bytes of a network interface's name */

enum endpoint_kind {
    ENDPOINT_NAME,
    ENDPOINT_LOCALHOST, /* "localhost" or a subdomain: the loopback addresses, without a lookup (RFC 6761) */
    ENDPOINT_V4,
    ENDPOINT_V6,
};

enum endpoint_fault {
    ENDPOINT_OK,
    ENDPOINT_NO_PORT,
    ENDPOINT_BAD_PORT,
    ENDPOINT_NO_HOST,
    ENDPOINT_UNBRACKETED, /* several colons outside of brackets */
    ENDPOINT_BAD_V6,
    ENDPOINT_BAD_ZONE,
    ENDPOINT_BAD_V4, /* the host ends in a number and is not a dotted quad */
    ENDPOINT_BAD_NAME,
    ENDPOINT_FAULT_COUNT,
};

struct endpoint {
    enum endpoint_kind kind;
    struct span host;  /* part of the parsed text, without brackets and zone */
    struct span zone;  /* of a V6: a network interface's name, or a number from 1 to 4294967295; empty: no zone */
    uint8_t bytes[16]; /* V4: the first four; V6: all */
    uint16_t port;
};

/* Parses the complete `text`. Writes `*ret_endpoint` on ENDPOINT_OK only. */
enum endpoint_fault endpoint_parse(struct span text, struct endpoint *ret_endpoint);

/* The cause and the correct form, for people; a constant. */
const char *endpoint_fault_text(enum endpoint_fault fault);

/* Whether a host ends in a number, as the URL standard defines: the last label, without a final dot, consists of
 * digits, or of 0x and hexadecimal digits. IPv4 addresses end in a number; host names must not. */
bool endpoint_host_is_numeric(struct span host);

/* Parse an address: "192.0.2.1", or "2001:db8::1" without brackets and zone. False: not an address; `ret_bytes` may
 * have changed. */
bool v4_parse(struct span text, uint8_t ret_bytes[4]);
bool v6_parse(struct span text, uint8_t ret_bytes[16]);

/* Parses an integer without sign, space and leading zeros at the start of `text`. Returns the number of digits; 0: no
 * integer, or an integer above `max`. */
size_t decimal_parse(struct span text, uint32_t max, uint32_t *ret_number);

#endif
