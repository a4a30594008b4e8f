/* SPDX-License-Identifier: MIT */
/*
 * Closes what a stranger has sent and what may be anything. A file's close() asks the file system, which may be a
 * program of the stranger's that never answers; that of a socket which lingers waits for its peer. So a thread of its
 * own does that, which exists only while there is something to close. Each user has one, and keeps nobody else's
 * waiting.
 */
#ifndef MINIMIO_DAEMON_CLOSER_H
#define MINIMIO_DAEMON_CLOSER_H

#include "daemon/descriptors.h"

#include <pthread.h>
#include <stdbool.h>

/* More than so many do not wait: it is a stranger who has one of them never end. */
#define CLOSER_WAITING_MAX 64

struct closer {
    pthread_mutex_t lock;
    struct descriptors waiting;
    bool running; /* the thread */
    bool used;    /* it was, at some time: until then nobody need look */
};

void closer_init(struct closer *closer);

/* To be called when nothing else will be put in; false: it is still at work, and stays. */
bool closer_deinit(struct closer *closer);

/* No more is to be received that it might have to close. */
bool closer_is_clogged(struct closer *closer);

/* Closes `fd`, soon. Never waits. */
void closer_put(struct closer *closer, int fd);

/* Closes a descriptor that nobody has looked at: at once where that cannot wait for anybody. -1 is accepted. */
void closer_discard(struct closer *closer, int fd);

/* Likewise all that are in a queue. */
void closer_discard_all(struct closer *closer, struct descriptors *descriptors);

/* Closes one that was inspected and that somebody else has too, who is to find it set up as it was: it may be the last
 * one to be closed all the same. */
void closer_let_go(struct closer *closer, int fd);

#endif
