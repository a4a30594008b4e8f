/* SPDX-License-Identifier: MIT */
/*
 * "host:port" to socket addresses in the order in which to try them. Blocks for as long as the system's name lookup.
 */
#ifndef MINIMIO_RESOLVE_H
#define MINIMIO_RESOLVE_H

#include "libminimio/minimio.h"

#ifndef _WIN32
#include <netdb.h>
#endif

struct addresses {
    struct addrinfo *list;   /* what `order` points into */
    struct addrinfo **order; /* families taking turns, the system's preference otherwise kept (RFC 8305, 4) */
    size_t count;
};

/* Errors: -EINVAL, not such a text; -ENOENT, no such name; -EAGAIN, the lookup failed for now; -ENOMEM. */
int addresses_resolve(const char *host_port, struct addresses *ret_addresses);
void addresses_deinit(struct addresses *addresses);

#endif
