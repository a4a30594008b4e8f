/* SPDX-License-Identifier: MIT */
/*
 * Closes what clients have handed over. close() may wait: a file's for its file system, which may be a program of the
 * client's that never answers; a socket's that lingers for its peer; a Unix socket's for all that is in its queue. A
 * closer passes such descriptors to the closing process (closing.h). Each user has a closer, and its queue is its own.
 */
#ifndef MINIMIO_DAEMON_BASE_ASYNC_CLOSE_H
#define MINIMIO_DAEMON_BASE_ASYNC_CLOSE_H

#include "daemon/base/descriptors.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>

/* While so many wait, no more descriptors are received from that user. */
#define CLOSER_WAITING_MAX 64

struct closer {
    LIST_ENTRY(closer) entry;   /* in the list of those that have a slot */
    bool stranger;              /* nothing of this user's is closed in the daemon's own process */
    int slot;                   /* of the closing process; -1: none yet */
    uint32_t alone;             /* files that were put into the slot */
    uint32_t put;               /* how many were put into the slot since it was first used */
    uint32_t counted;           /* how many were not closed when they were counted last */
    struct descriptors waiting; /* those of them that may not have been begun */
};

/* `stranger`: a user other than root and the daemon's own. */
void closer_init(struct closer *closer, bool stranger);

/* To be called when nothing else will be put in; false: some of its descriptors are not closed yet, and it stays. */
bool closer_deinit(struct closer *closer);

/* How many of its descriptors are not closed yet. */
uint32_t closer_count(struct closer *closer);

/* No more is to be received that it might have to close. Asked before each read, so inline. */
static inline bool closer_is_clogged(struct closer *closer)
{
    return closer->slot >= 0 && closer_count(closer) >= CLOSER_WAITING_MAX;
}

/* Closes `fd`, soon. Never waits. */
void closer_put(struct closer *closer, int fd);

/* Closes a descriptor of a client's: at once where that cannot wait for anybody. Negative ones are accepted. */
void closer_discard(struct closer *closer, int fd);

/* Likewise all that are in a queue. */
void closer_discard_all(struct closer *closer, struct descriptors *descriptors);

/* Closes one that was inspected and that somebody else has too, who is to find it set up as it was: it may be the last
 * one to be closed all the same. */
void closer_let_go(struct closer *closer, int fd);

/* Closes a client's socket. What is unread in it is read first, lest the client's next read fail. */
void closer_end_session(struct closer *closer, int socket);

/* ---- All closers ------------------------------------------------------------------------------------------------- */

/* Starts the closing process; without it strangers may not hand over descriptors. Error: negative errno. */
int closers_start(void);

/* Whether descriptors of strangers can be closed. */
bool closers_are_able(void);

/* A child of the daemon's has ended; where it was the closing process there is another one afterwards. */
void closers_look(void);

/* How many descriptors of all closers are not closed yet; and how many there were when each was counted last. */
extern uint32_t closers_total;
uint32_t closers_count(void);

/* Whether a message's descriptors may not all find room in the table: what waits to be closed takes up some of it.
 * Asked before each read, so inline. */
extern uint32_t closers_in_room;
bool closers_still_take_room(void);

static inline bool closers_take_room(void)
{
    return closers_in_room && closers_still_take_room();
}

/*
 * For a daemon that becomes another binary: the closing process ends, and what it has not begun to close is told in
 * `*ret_fds`, which is to be freed; NULL: nothing. closers_return undoes that. Error: negative errno, nothing has
 * changed.
 */
int closers_leave(int **ret_fds, size_t *ret_count);
void closers_return(void);

/* For a daemon that ends, when all else is closed. */
void closers_end(void);

#endif
