/* SPDX-License-Identifier: MIT */
/*
 * "host:port" and "[v6]:port" as people write them. Numeric forms are read in one way, strictly: a text that looks like
 * a number and is not a dotted quad is refused, and no part of the system gets to read it in another way. libminimio
 * has the same rule in code of its own (host_port.c); vectors/addresses.jsonl holds both to it.
 */
#ifndef MINIMIO_PROTO_ENDPOINT_H
#define MINIMIO_PROTO_ENDPOINT_H

#include "proto/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define ENDPOINT_HOST_MAX 253 /* bytes of a DNS name, without the dot at its end */
#define ENDPOINT_ZONE_MAX 15  /* bytes of a network interface's name */

enum endpoint_kind {
    ENDPOINT_NAME,
    ENDPOINT_LOCALHOST, /* "localhost" or below it: the loopback addresses, never asked of anybody (RFC 6761) */
    ENDPOINT_V4,
    ENDPOINT_V6,
};

enum endpoint_fault {
    ENDPOINT_OK,
    ENDPOINT_NO_PORT,
    ENDPOINT_BAD_PORT,
    ENDPOINT_NO_HOST,
    ENDPOINT_UNBRACKETED, /* more colons than one */
    ENDPOINT_BAD_V6,
    ENDPOINT_BAD_ZONE,
    ENDPOINT_BAD_V4, /* it ends in a number, and is not a dotted quad */
    ENDPOINT_BAD_NAME,
    ENDPOINT_FAULTS, /* how many there are */
};

struct endpoint {
    enum endpoint_kind kind;
    struct span host;  /* in the text, without brackets and zone */
    struct span zone;  /* of a V6: a network interface's name, or a number from 1 to 4294967295; empty: none */
    uint8_t bytes[16]; /* V4: the first four; V6: all */
    uint16_t port;
};

/* Reads the whole of `text`; `*ret_endpoint` is written if it is one. */
enum endpoint_fault endpoint_parse(struct span text, struct endpoint *ret_endpoint);

/* What is wrong, and how to write it; a constant. */
const char *endpoint_fault_text(enum endpoint_fault fault);

/* Whether a host looks like a number, as the URL standard has it: its last label, of a host that ends in a dot the
 * label before, is of digits alone, or of 0x and hexadecimal digits. An IPv4 address does, and a name may not. */
bool endpoint_host_is_numeric(struct span host);

/* One address: "192.0.2.1"; "2001:db8::1", without brackets and zone. False: `text` is none; `ret_bytes` may have been
 * written to. */
bool v4_parse(struct span text, uint8_t ret_bytes[4]);
bool v6_parse(struct span text, uint8_t ret_bytes[16]);

/* Takes an integer without sign, space and leading zeros from the front of a text. Returns how many bytes it has; 0:
 * there is none, or it is above `max`. */
size_t decimal_parse(struct span text, uint32_t max, uint32_t *ret_number);

#endif
