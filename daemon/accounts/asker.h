/* SPDX-License-Identifier: MIT */
/*
 * A user's part of the lookups of names: what waits, and what is under way for it.
 */
#ifndef MINIMIO_DAEMON_ACCOUNTS_ASKER_H
#define MINIMIO_DAEMON_ACCOUNTS_ASKER_H

#include "daemon/base/schedule.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

struct wish;

TAILQ_HEAD(wish_list, wish);

struct asker {
    struct share *share;       /* is charged for processes, and has the answers handed out */
    struct wish_list waiting;  /* for a process */
    struct wish_list answered; /* not handed out yet */
    uint32_t waiting_count;    /* lookups in `waiting` */
    uint32_t under_way;        /* processes that look up for this user */
    TAILQ_ENTRY(asker) entry;  /* in the resolver's list of those that have something in `waiting` */
    struct task task;          /* hands out answers */
};

TAILQ_HEAD(asker_list, asker);

void asker_init(struct asker *asker, struct share *share);

/* It has no lookups any more. */
void asker_deinit(struct asker *asker);

#endif
