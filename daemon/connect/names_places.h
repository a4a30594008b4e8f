/* SPDX-License-Identifier: MIT */
/*
 * Places: the processes that look up names, at most NAMES_PLACES_MAX at once, and the user whom each process is charged
 * to. A place that is given up is free again once its process is known to be killed, so that a user that asks and
 * cancels in a loop has no more processes under way than its share.
 *
 * Owns the places and the link. Calls the link, and reads askers; a question is a pointer here.
 */
#ifndef MINIMIO_DAEMON_CONNECT_NAMES_PLACES_H
#define MINIMIO_DAEMON_CONNECT_NAMES_PLACES_H

#include "daemon/accounts/asker.h"
#include "daemon/connect/names_link.h"

#include <stdbool.h>
#include <stdint.h>

struct question;

struct place {
    struct question *question; /* NULL: the place is free, or given up */
    struct asker *asker;       /* the user that the process is charged to */
    uint64_t began;            /* counts the processes */
    bool leaving;              /* given up, and the process is not known to be killed yet */
    bool unsent;               /* the order to give up could not be sent yet */
};

struct places {
    struct names_link link;
    struct place places[NAMES_PLACES_MAX];
    uint64_t began;   /* processes so far */
    unsigned leaving; /* places that are given up and not yet free */
};

/* A free place among the first `count`. NULL: none is free. */
struct place *places_find_free(struct places *places, uint32_t count);

/*
 * The place to give up for a user without a process: of the user with the most processes, the process that began last,
 * as older lookups must end some day. NULL: no user has two processes.
 */
struct place *places_find_spare(struct places *places);

/*
 * Has a process look up `name` for the question, in a free place, charged to `asker`. Errors: -ENOTCONN, there is no
 * process that takes orders; -EAGAIN, the process takes none now.
 */
int place_begin(struct places *places, struct place *place, struct question *question, const char *name,
                struct asker *asker);

/* Charges the process to another user. */
void place_charge(struct place *place, struct asker *asker);

/* Takes the question, which is returned, from its place. */
struct question *place_release(struct place *place);

/* Releases the place, and has its process killed; the place is free when place_has_left is called. */
void place_give_up(struct places *places, struct place *place);
void place_has_left(struct places *places, struct place *place);

/* The link takes messages again: sends the orders to give up that could not be sent. */
void places_resend(struct places *places);

#endif
