/* SPDX-License-Identifier: MIT */
/*
 * Parses "host:port" and "[v6]:port" strictly, so that no lookup can interpret a numeric form in another way. The
 * daemon has a separate parser for the same rule; proto/vectors/addresses.jsonl tests both parsers. Portable.
 */
#ifndef MINIMIO_HOST_PORT_H
#define MINIMIO_HOST_PORT_H

#define HOST_MAX    254 /* bytes of a DNS name with the final dot; longer than an IPv6 address with a zone */
#define PORT_DIGITS 5

enum host_kind {
    HOST_NAME,
    HOST_LOCALHOST, /* "localhost" or a name below: the loopback addresses, without a lookup (RFC 6761) */
    HOST_V4,        /* a dotted quad */
    HOST_V6,        /* was in brackets; a zone may follow */
};

struct host_port {
    enum host_kind kind;
    char host[HOST_MAX + 1]; /* without brackets */
    char port[PORT_DIGITS + 1];
};

/* Error: -EINVAL, `text` has another form. `*ret_parsed` may be modified on failure. */
int host_port_parse(const char *text, struct host_port *ret_parsed);

#endif
