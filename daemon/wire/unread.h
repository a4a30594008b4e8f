/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that a session's client has taken and not read yet: some are still to be sent, the others are in the
 * client's queue. The kernel counts the latter for the daemon's user until they are read, and beyond the descriptor
 * limit it passes none any more, to nobody (ETOOMANYREFS). So they are limited, and they count for as long as the
 * client has not read them, also when its session has ended.
 */
#ifndef MINIMIO_DAEMON_WIRE_UNREAD_H
#define MINIMIO_DAEMON_WIRE_UNREAD_H

#include "daemon/accounts/accounts.h"
#include "daemon/base/reactor.h"

#include <bsd/sys/queue.h>
#include <stdint.h>

struct unread {
    LIST_ENTRY(unread) link; /* in the list of those with something in the queue */
    struct account *account;
    int socket;
    uint32_t waiting; /* to be sent */
    uint32_t sent;    /* since the client's queue was last seen empty */
};

LIST_HEAD(unread_list, unread);

/* The lists of a daemon. */
struct unreads {
    struct reactor *reactor;
    struct unread_list sent;             /* with something in a queue */
    LIST_HEAD(, unread_remains) remains; /* of sessions that have ended */
};

void unreads_init(struct unreads *unreads, struct reactor *reactor);
void unreads_deinit(struct unreads *unreads);

void unread_init(struct unread *unread, struct account *account, int socket);

/* A descriptor is taken; some are sent; some are not to be sent any more. */
void unread_add(struct unread *unread);
void unread_send(struct unreads *unreads, struct unread *unread, uint32_t count);
void unread_drop(struct unread *unread, uint32_t count);

/* Asks the kernel whether the client has read what was sent. */
void unread_look(struct unread *unread);

/* Likewise of all sessions of this account, or of all accounts with NULL. Returns how many were asked about. */
uint32_t unread_look_all(struct unreads *unreads, const struct account *account);

/* Counts nothing any more. */
void unread_deinit(struct unread *unread);

/*
 * The session ends, and nothing more is sent. True: its socket was taken, which is shut down, and closed when the
 * client has read what is in its queue or is gone; until then the account keeps counting it as a session. The reactor
 * must not watch the socket.
 */
bool unread_outlive(struct unreads *unreads, struct unread *unread);

#endif
