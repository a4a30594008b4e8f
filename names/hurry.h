/* SPDX-License-Identifier: MIT */
/*
 * A lookup with short timeouts: waits at most a second for a name server, so the lookup may fail where the system's
 * lookup succeeds.
 */
#ifndef MINIMIO_NAMES_HURRY_H
#define MINIMIO_NAMES_HURRY_H

#include <netdb.h>

/*
 * As getaddrinfo for AF_UNSPEC, except for the timeouts. Looks up each full name that the search list derives from
 * `host`, in the resolver's order. 0: `*ret_list` has the addresses of the full name that the system's lookup would
 * choose, in the system's order. Otherwise a negative errno: the result is unknown, and the name may exist or not.
 *
 * Changes the resolver's settings of the calling thread, which must end without further lookups.
 */
int hurry_lookup(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list);

#endif
