/* SPDX-License-Identifier: MIT */
/*
 * Resolves names to addresses as every program on the machine does: a separate process calls getaddrinfo for each
 * lookup (names_process.h). At most `lookups` processes run at once, and at most `lookups_uid` for one user. Concurrent
 * lookups of a name by any users share a process. Results are not cached. A user with no lookup under way does not wait
 * for the lookups of other users: the latest lookup of the user with the most lookups is given up, and repeated later.
 *
 * Owns the questions, the places and the link to the process. Calls all three.
 */
#ifndef MINIMIO_DAEMON_CONNECT_RESOLVER_H
#define MINIMIO_DAEMON_CONNECT_RESOLVER_H

#include "daemon/accounts/asker.h"
#include "daemon/base/reactor.h"
#include "daemon/connect/questions.h"
#include "proto/limits.h"

struct resolver;

/* `limits` is borrowed and read at each use, so changes take effect. Error: -ENOMEM. */
int resolver_new(struct reactor *reactor, const struct limits *limits, struct resolver **ret_resolver);
struct resolver *resolver_free(struct resolver *resolver);

/* A child process of the daemon ended. */
void resolver_look(struct resolver *resolver);

/* Before an exec, without lookups under way: ends the process. If the exec fails, resolver_return starts a process. */
void resolver_leave(struct resolver *resolver);
void resolver_return(struct resolver *resolver);

/*
 * Looks up the IPv4 and IPv6 addresses of a name. `done` is called once, never from lookup_start; the lookup is freed
 * before the call. Errors: -ENOMEM; -EDQUOT, `lookups_waiting_uid` lookups of the asker wait already. Root has no
 * limit.
 */
int lookup_start(struct resolver *resolver, struct asker *asker, const char *name, lookup_done *done, void *owner,
                 struct lookup **ret_lookup);

/* Frees the lookup. `done` will not be called. */
void lookup_cancel(struct lookup *lookup);

#endif
