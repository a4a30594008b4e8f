/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that a client has taken and not read: unsent, or in the receive queue of the client. The kernel charges
 * queued descriptors to the daemon's user until the client reads them, and beyond the descriptor limit refuses to pass
 * descriptors to any client (ETOOMANYREFS). Unread descriptors are therefore limited, and count until read, even after
 * the session ends.
 *
 * Owns the sockets of ended sessions with unread descriptors. Calls the reactor, the accounts and the closer.
 */
#ifndef MINIMIO_DAEMON_WIRE_UNREAD_H
#define MINIMIO_DAEMON_WIRE_UNREAD_H

#include "daemon/accounts/accounts.h"
#include "daemon/base/reactor.h"

#include <bsd/sys/queue.h>
#include <stdint.h>

struct unread {
    LIST_ENTRY(unread) link; /* in unreads->sent, while `sent` is not 0 */
    struct account *account;
    int socket;
    uint32_t unsent; /* in the outbox, or in the answers of a batch */
    uint32_t sent;   /* since the client's queue was last seen empty */
};

LIST_HEAD(unread_list, unread);

/* All unread descriptors. */
struct unreads {
    struct reactor *reactor;
    struct unread_list sent;             /* with descriptors in a client's queue */
    LIST_HEAD(, unread_remains) remains; /* of sessions that have ended */
};

void unreads_init(struct unreads *unreads, struct reactor *reactor);
void unreads_deinit(struct unreads *unreads);

void unread_init(struct unread *unread, struct account *account, int socket);

/* Counts a taken descriptor; counts `count` as sent; stops counting `count` that will not be sent. */
void unread_add(struct unread *unread);
void unread_send(struct unreads *unreads, struct unread *unread, uint32_t count);
void unread_drop(struct unread *unread, uint32_t count);

/* Asks the kernel whether the client has read the sent descriptors. */
void unread_look(struct unread *unread);

/* The same for all sessions of the account, or for all sessions with NULL. Returns the number of sessions asked about.
 */
uint32_t unread_look_all(struct unreads *unreads, const struct account *account);

/* Stops counting. */
void unread_deinit(struct unread *unread);

/*
 * For a session that ends and sends no more. True: takes the socket, shuts the socket down, and closes the socket when
 * the client has read its queue or has exited; until then the account counts a session. The reactor must not watch the
 * socket.
 */
bool unread_outlive(struct unreads *unreads, struct unread *unread);

#endif
