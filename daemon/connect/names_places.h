/* SPDX-License-Identifier: MIT */
/*
 * Places: the processes that look up names, at most NAMES_PLACES_MAX at once, each charged to a user. A given-up place
 * is free again once the process is known to be killed: a user who looks up and cancels in a loop cannot exceed the
 * user's limit of processes.
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
 * Orders a lookup of `name` for the question, in a free place, charged to `asker`. Errors: those of names_link_send.
 */
int place_begin(struct places *places, struct place *place, struct question *question, const char *name,
                struct asker *asker);

/* Charges the process to another user. */
void place_charge(struct place *place, struct asker *asker);

/* Ends the charge, and returns the question of the place. */
struct question *place_release(struct place *place);

/* Releases the place and orders the kill of the process. place_has_left, called once the process is killed, frees the
 * place. */
void place_give_up(struct places *places, struct place *place);
void place_has_left(struct places *places, struct place *place);

/* Sends the orders to give up again that failed before. */
void places_resend(struct places *places);

#endif
