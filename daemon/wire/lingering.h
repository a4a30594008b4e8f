/* SPDX-License-Identifier: MIT */
/*
 * Lingering close: a client that was told its last line may still be writing, and would meet EPIPE before it reads that
 * line. So the daemon ends its own direction alone, reads and discards what comes for a moment, and closes then, or as
 * soon as the client closes. Descriptors that come are closed as those of a session.
 */
#ifndef MINIMIO_DAEMON_WIRE_LINGERING_H
#define MINIMIO_DAEMON_WIRE_LINGERING_H

#include "daemon/accounts/accounts.h"
#include "daemon/base/reactor.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LINGERING_MS          2000 /* how long a client may go on writing; how much: the limit `message_bytes` */
#define LINGERING_REFUSED_MAX 16   /* clients that have no session; more of them are closed at once */
#define LINGERING_REFUSED_UID 4    /* of these, clients of one uid */

struct lingering;

struct lingerings {
    LIST_HEAD(, lingering) list;
    struct reactor *reactor;
    struct accounts *accounts;
    struct async_closer *closer; /* of clients without an account */
};

/* All that is given is kept, not copied. */
void lingerings_init(struct lingerings *lingerings, struct reactor *reactor, struct accounts *accounts,
                     struct async_closer *closer);

/*
 * Takes the socket of a session that is over, and which the reactor does not watch, together with the place that the
 * session has among its account's. False: there is no memory, and both are the caller's still.
 */
bool lingering_begin(struct lingerings *lingerings, struct account *account, int fd);

/* Likewise the socket of a client that was refused a session, and the account of accounts_begin_refusal, or NULL.
 * False: there are too many, or there is no memory. */
bool lingering_begin_refused(struct lingerings *lingerings, struct account *account, uid_t uid, int fd);

/* Closes all of them now. */
void lingerings_end(struct lingerings *lingerings);

#endif
