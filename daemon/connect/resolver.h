/* SPDX-License-Identifier: MIT */
/*
 * Names to addresses, as every other program on the machine finds them: a process of its own calls getaddrinfo for each
 * lookup (names_process.h), at most `lookups` at once, at most `lookups_uid` of one user. The same name is looked up
 * once for all who ask for it at the same time. Nothing is kept: what is asked for later is looked up again.
 *
 * A user that has no lookup under way is not kept waiting by those of others: the latest one of whoever has the most
 * is given up for it, and looked up again later.
 */
#ifndef MINIMIO_DAEMON_CONNECT_RESOLVER_H
#define MINIMIO_DAEMON_CONNECT_RESOLVER_H

#include "daemon/accounts/asker.h"
#include "daemon/base/address.h"
#include "daemon/base/reactor.h"
#include "proto/limits.h"

#include <stddef.h>

struct lookup;
struct resolver;

/* `limits` are looked at whenever they matter. Error: -ENOMEM. */
int resolver_new(struct reactor *reactor, const struct limits *limits, struct resolver **ret_resolver);
struct resolver *resolver_free(struct resolver *resolver);

/* A child of the daemon's has ended. */
void resolver_look(struct resolver *resolver);

/* For a daemon that becomes another binary, and has no lookups: no process is left of this one's. */
void resolver_leave(struct resolver *resolver);
void resolver_return(struct resolver *resolver);

/* What a lookup found, in getaddrinfo's order. `count` 0: nothing, and `reason` says why. Borrowed for the call. */
typedef void lookup_done(void *owner, const union address *addresses, size_t count, const char *reason);

/*
 * Looks up a name's addresses of both families. `done` is called once, never from within this, and the lookup is gone
 * before. Errors: -ENOMEM; -EDQUOT, as many lookups of this asker wait as `lookups_waiting_uid` says; root has no such
 * limit.
 */
int lookup_start(struct resolver *resolver, struct asker *asker, const char *name, lookup_done *done, void *owner,
                 struct lookup **ret_lookup);

/* `done` will not be called any more. */
void lookup_cancel(struct lookup *lookup);

#endif
