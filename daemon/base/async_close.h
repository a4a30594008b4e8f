/* SPDX-License-Identifier: MIT */
/*
 * Closes what clients have handed over. close() may wait: a file's for its file system, which may be a program of the
 * client's that never answers; a socket's that lingers for its peer; a Unix socket's for all that is in its queue. A
 * closer passes such descriptors to the closing process (closing.h). Each user has a closer, and its queue is its own.
 */
#ifndef MINIMIO_DAEMON_BASE_ASYNC_CLOSE_H
#define MINIMIO_DAEMON_BASE_ASYNC_CLOSE_H

#include "daemon/base/fd_queue.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>

/* While so many wait, no more descriptors are received from that user. */
#define ASYNC_CLOSER_MAX 64

struct async_closer {
    LIST_ENTRY(async_closer) entry; /* in the list of those that have a slot */
    bool stranger;                  /* nothing of this user's is closed in the daemon's own process */
    int slot;                       /* of the closing process; -1: none yet */
    uint32_t alone;                 /* files that were put into the slot */
    uint32_t put;                   /* how many were put into the slot since it was first used */
    uint32_t counted;               /* how many were not closed when they were counted last */
    struct fd_queue waiting;        /* those of them that may not have been begun */
};

/* `stranger`: a user other than root and the daemon's own. */
void async_closer_init(struct async_closer *closer, bool stranger);

/* To be called when nothing else will be put in; false: some of its descriptors are not closed yet, and it stays. */
bool async_closer_deinit(struct async_closer *closer);

/* How many of its descriptors are not closed yet. */
uint32_t async_closer_count(struct async_closer *closer);

/* No more is to be received that it might have to close. Asked before each read, so inline. */
static inline bool async_closer_is_full(struct async_closer *closer)
{
    return closer->slot >= 0 && async_closer_count(closer) >= ASYNC_CLOSER_MAX;
}

/* Closes `fd`, soon. Never waits. */
void async_close(struct async_closer *closer, int fd);

/* Closes a descriptor of a client's: at once where that cannot wait for anybody. Negative ones are accepted. */
void close_untrusted(struct async_closer *closer, int fd);

/* Likewise all that are in a queue. */
void close_untrusted_all(struct async_closer *closer, struct fd_queue *descriptors);

/* Closes one that was inspected and that somebody else has too, who is to find it set up as it was: it may be the last
 * one to be closed all the same. */
void close_shared(struct async_closer *closer, int fd);

/* Closes a client's socket. What is unread in it is read first, lest the client's next read fail. */
void close_session_socket(struct async_closer *closer, int socket);

/* ---- All closers ------------------------------------------------------------------------------------------------- */

/* Starts the closing process; without it strangers may not hand over descriptors. Error: negative errno. */
int async_closers_start(void);

/* Whether descriptors of strangers can be closed. */
bool async_closers_are_able(void);

/* A child of the daemon's has ended; where it was the closing process there is another one afterwards. */
void async_closers_look(void);

/* How many descriptors of all closers are not closed yet; and how many there were when each was counted last. */
extern uint32_t async_closers_total;
uint32_t async_closers_count(void);

/* Whether a message's descriptors may not all find room in the table: what waits to be closed takes up some of it.
 * Asked before each read, so inline. */
extern uint32_t async_closers_in_room;
bool async_closers_still_take_room(void);

static inline bool async_closers_take_room(void)
{
    return async_closers_in_room && async_closers_still_take_room();
}

/*
 * For a daemon that becomes another binary: the closing process ends, and what it has not begun to close is told in
 * `*ret_fds`, which is to be freed; NULL: nothing. async_closers_return undoes that. Error: negative errno, nothing has
 * changed.
 */
int async_closers_leave(int **ret_fds, size_t *ret_count);
void async_closers_return(void);

/* For a daemon that ends, when all else is closed. */
void async_closers_end(void);

#endif
