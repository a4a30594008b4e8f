/* SPDX-License-Identifier: MIT */
/*
 * "host:port" and "[v6]:port", read strictly, so that no lookup gets to read a numeric form in its own way. The daemon
 * has the same rule in code of its own, and proto/vectors/addresses.jsonl holds both to it. Portable.
 */
#ifndef MINIMIO_HOST_PORT_H
#define MINIMIO_HOST_PORT_H

#define HOST_MAX    254 /* bytes of a name in DNS with the dot at its end, and more than an IPv6 address with its zone */
#define PORT_DIGITS 5

enum host_kind {
    HOST_NAME,
    HOST_LOCALHOST, /* "localhost" or below it: the loopback addresses, never looked up (RFC 6761) */
    HOST_V4,        /* a dotted quad */
    HOST_V6,        /* it stood in brackets; a zone may be behind it */
};

struct host_port {
    enum host_kind kind;
    char host[HOST_MAX + 1]; /* without brackets */
    char port[PORT_DIGITS + 1];
};

/* Error: -EINVAL, `text` is not of that form; `*ret_parsed` may have been written to. */
int host_port_parse(const char *text, struct host_port *ret_parsed);

#endif
