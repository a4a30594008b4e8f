/* SPDX-License-Identifier: MIT */
/*
 * Lingering close. A client may still be writing when the daemon closes; EPIPE would keep the client from reading its
 * last line. The daemon shuts down its own direction, discards input for a moment, and closes when the moment or the
 * client's input ends. Received descriptors are closed as descriptors of a session are.
 *
 * Owns the lingering sockets. Calls the reactor, the accounts and the closer.
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
#define LINGERING_REFUSED_MAX 16   /* refused clients; further clients are closed at once */
#define LINGERING_REFUSED_UID 4    /* refused clients of one uid */

struct lingering;

struct lingerings {
    LIST_HEAD(, lingering) list;
    struct reactor *reactor;
    struct accounts *accounts;
    struct async_closer *closer; /* of clients without an account */
};

/* Keeps the pointers. */
void lingerings_init(struct lingerings *lingerings, struct reactor *reactor, struct accounts *accounts,
                     struct async_closer *closer);

/*
 * Takes the socket of a closed session, unwatched by the reactor, and the account's count for the session. False: out
 * of memory; the caller keeps both.
 */
bool lingering_begin(struct lingerings *lingerings, struct account *account, int fd);

/* Takes the socket of a refused client, and the account of accounts_begin_refusal or NULL. False: too many refused
 * clients linger, or out of memory; the caller keeps both. */
bool lingering_begin_refused(struct lingerings *lingerings, struct account *account, uid_t uid, int fd);

/* Closes all lingering sockets now. */
void lingerings_end(struct lingerings *lingerings);

#endif
