/* SPDX-License-Identifier: MIT */
/*
 * Names to addresses through c-ares, on the reactor: /etc/hosts and DNS, never blocking on a name server.
 *
 * The system's resolver settings are read anew when /etc/resolv.conf has changed: c-ares never rereads them, so a new
 * channel takes over while the old one finishes what it was asked.
 */
#ifndef MINIMIO_DAEMON_RESOLVER_H
#define MINIMIO_DAEMON_RESOLVER_H

#include "daemon/address.h"
#include "daemon/reactor.h"

#include <stddef.h>

/* c-ares cannot take a query back: one that nobody waits for any more still counts until its name server answers or is
 * given up. Query ids have 16 bits; half of them keep collisions rare. */
#define RESOLVER_LOOKUPS_MAX 32768

struct resolver;
struct lookup;

/*
 * `servers`: "ADDRESS[:PORT],…" to be asked in place of the system's; NULL for the system's. It is kept, not copied.
 * Errors: -EINVAL, the servers are not such a list, or a file of the system's resolver is not a regular file, which is
 * logged; -ENOMEM.
 */
int resolver_new(struct reactor *reactor, const char *servers, struct resolver **ret_resolver);
struct resolver *resolver_free(struct resolver *resolver);

/*
 * Asks other servers, or the system's, from now on; what was asked before is waited for still. The list is kept, not
 * copied, and the one before is not looked at any more. Errors: as resolver_new; then all is as it was.
 */
int resolver_set_servers(struct resolver *resolver, const char *servers);

/*
 * What a lookup found. `count` 0: nothing, and `reason` says why. Addresses and texts are borrowed for the call. May
 * come from within lookup_start.
 */
typedef void lookup_done(void *owner, const union address *addresses, size_t count, const char *reason);

/*
 * Looks up a name's addresses of one family, AF_INET or AF_INET6. `*ret_lookup` is written before `done` can be
 * called, and is gone once it was.
 * Errors: -ENOMEM; -EBUSY, too many lookups at once; -EINVAL, the hosts file is not a regular file. `done` is not
 * called then.
 */
int lookup_start(struct resolver *resolver, const char *name, int family, lookup_done *done, void *owner,
                 struct lookup **ret_lookup);

/* `done` will not be called any more. */
void lookup_cancel(struct lookup *lookup);

#endif
