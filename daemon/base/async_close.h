/* SPDX-License-Identifier: MIT */
/*
 * Closes descriptors that clients handed over, without waiting. close() of a file may wait for a file system that never
 * answers, close() of a lingering socket for the peer, close() of a Unix socket for the sockets in the queue. Each user
 * has a closer, with a queue for this user alone.
 *
 * Owns the descriptors that wait to be closed. Calls the closing process (closing.h) and the log.
 */
#ifndef MINIMIO_DAEMON_BASE_ASYNC_CLOSE_H
#define MINIMIO_DAEMON_BASE_ASYNC_CLOSE_H

#include "daemon/base/fd_queue.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>

/* With this many descriptors waiting, the daemon receives no more from the user. */
#define ASYNC_CLOSER_MAX 64

struct async_closer {
    LIST_ENTRY(async_closer) entry; /* in the list of closers with a slot */
    bool stranger;                  /* never close a descriptor of the user in the daemon's own process */
    int slot;                       /* slot of the closing process; -1: not assigned yet */
    uint32_t alone;                 /* files put into the slot */
    uint32_t put;                   /* descriptors put into the slot since the first use of the slot */
    uint32_t counted;               /* descriptors not closed yet, at the last count */
    struct fd_queue waiting;        /* descriptors put into the slot whose close may not have begun */
};

/* `stranger`: a user other than root and the daemon's own. */
void async_closer_init(struct async_closer *closer, bool stranger);

/* Call when no more descriptors will be added. False: some descriptors are still open, and the closer stays valid. */
bool async_closer_deinit(struct async_closer *closer);

/* Number of descriptors of the closer that are still open. */
uint32_t async_closer_count(struct async_closer *closer);

/* Whether the daemon must stop receiving descriptors from the user. Inline: asked before each read. */
static inline bool async_closer_is_full(struct async_closer *closer)
{
    return closer->slot >= 0 && async_closer_count(closer) >= ASYNC_CLOSER_MAX;
}

/* Closes `fd` soon. Never waits. Takes ownership of `fd`. */
void async_close(struct async_closer *closer, int fd);

/* Closes a descriptor that a client sent: in the daemon if close() cannot wait, else in the closing process. Accepts
 * negative numbers. */
void close_untrusted(struct async_closer *closer, int fd);

/* Closes every descriptor of a queue with close_untrusted. */
void close_untrusted_all(struct async_closer *closer, struct fd_queue *queue);

/* Closes the daemon's copy of an inspected descriptor that the client may hold as well. Leaves SO_LINGER unchanged
 * for the client; the daemon's copy may still be the last. */
void close_shared(struct async_closer *closer, int fd);

/* Closes a session's socket. Reads unread input first, because closing a socket with unread input makes the client's
 * next read fail. */
void close_session_socket(struct async_closer *closer, int socket);

/* ---- All closers ------------------------------------------------------------------------------------------------- */

/* Starts the closing process. Without the process, only root and the daemon's own user may hand over descriptors.
 * Error: negative errno. */
int async_closers_start(void);

/* Whether the daemon can close descriptors of other users. */
bool async_closers_are_able(void);

/* Call after SIGCHLD: starts a new closing process if the old process has ended. */
void async_closers_look(void);

/* Descriptors of all closers that are still open: the total of the last counts, and a fresh count. */
extern uint32_t async_closers_total;
uint32_t async_closers_count(void);

/* Whether the descriptor table may be too full for the descriptors of one message, because descriptors above
 * fd_room_set's number still wait to be closed. Inline: asked before each read. */
extern uint32_t async_closers_in_room;
bool async_closers_still_take_room(void);

static inline bool async_closers_take_room(void)
{
    return async_closers_in_room && async_closers_still_take_room();
}

/*
 * For an exec of another binary: ends the closing process, and returns in `*ret_fds` the descriptors whose close has
 * not begun. The caller frees `*ret_fds`; NULL: no descriptors. async_closers_return undoes async_closers_leave. Error:
 * negative errno, with no effect.
 */
int async_closers_leave(int **ret_fds, size_t *ret_count);
void async_closers_return(void);

/* For the end of the daemon, after every other descriptor is closed. */
void async_closers_end(void);

#endif
