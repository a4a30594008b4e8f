/* SPDX-License-Identifier: MIT */
/*
 * A lookup that waits for no name server for longer than a second, and so may fail where the system's lookup succeeds.
 */
#ifndef MINIMIO_NAMES_HURRY_H
#define MINIMIO_NAMES_HURRY_H

#include <netdb.h>

/*
 * As getaddrinfo for AF_UNSPEC, but for how long it waits. A name is looked up by each of the full names that the
 * search list makes of it, in the resolver's order. 0: the addresses of the full name that the system's lookup would
 * choose, in the system's order. Otherwise a negative errno: nothing is known, not even that there is no such name.
 *
 * Changes the resolver's settings of the calling thread, which must do nothing else afterwards.
 */
int hurry_lookup(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret_list);

#endif
