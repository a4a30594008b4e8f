/* SPDX-License-Identifier: MIT */
/*
 * A user's lookups of names: waiting lookups, answered lookups, and the number in progress.
 *
 * Owns the lists, which the resolver (daemon/connect) fills. Calls the schedule.
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
    struct share *share;       /* charged for the lookup processes, and runs the task */
    struct wish_list waiting;  /* lookups that wait for a process */
    struct wish_list answered; /* lookups whose answer is not delivered yet */
    uint32_t waiting_count;    /* lookups in `waiting` */
    uint32_t under_way;        /* running lookup processes of this user */
    TAILQ_ENTRY(asker) entry;  /* in the resolver's list of askers with a waiting lookup */
    struct task task;          /* delivers answers */
};

TAILQ_HEAD(asker_list, asker);

void asker_init(struct asker *asker, struct share *share);

/* Call when the asker has no lookups any more. */
void asker_deinit(struct asker *asker);

#endif
