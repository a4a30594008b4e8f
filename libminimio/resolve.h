/* SPDX-License-Identifier: MIT */
/*
 * Resolves "host:port" to socket addresses, in the order of connection attempts. Blocks for as long as the system's
 * name lookup.
 */
#ifndef MINIMIO_RESOLVE_H
#define MINIMIO_RESOLVE_H

#include "libminimio/minimio.h"

#ifndef _WIN32
#include <netdb.h>
#endif

struct addresses {
    struct addrinfo *list;   /* the addresses that `order` points to */
    struct addrinfo **order; /* alternating families, otherwise in the system's order (RFC 8305, section 4) */
    size_t count;
};

/* Errors: -EINVAL, `host_port` is malformed; -ENOENT, the name does not exist; -EAGAIN, temporary failure of the
 * lookup; -ENOMEM. */
int addresses_resolve(const char *host_port, struct addresses *ret_addresses);
void addresses_deinit(struct addresses *addresses);

#endif
