/* SPDX-License-Identifier: MIT */
/*
 * Questions: names to look up. A question has a wish for each interested user, and a wish has the lookups of the user.
 * A question waits in the queue of each interested user; all users share the answer.
 *
 * Owns questions, wishes and lookups. Calls places, and the tasks of askers, which hand out the answers.
 */
#ifndef MINIMIO_DAEMON_CONNECT_QUESTIONS_H
#define MINIMIO_DAEMON_CONNECT_QUESTIONS_H

#include "daemon/accounts/asker.h"
#include "daemon/base/address.h"
#include "daemon/base/tree.h"
#include "daemon/connect/names_places.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUESTION_REASON_BYTES 64

struct lookup;

/* The result of a lookup, in getaddrinfo's order. `count` 0: no addresses, for `reason`. Borrowed for the call. */
typedef void lookup_done(void *owner, const union address *addresses, size_t count, const char *reason);

RB_HEAD(question_tree, question);

struct questions {
    struct places *places;
    struct question_tree unanswered; /* by name */
    struct asker_list askers;        /* with a question in `waiting` */
};

/* The interest of one user in a question. */
struct wish {
    TAILQ_ENTRY(wish) entry;  /* in the `waiting` or `answered` of the asker; in no list during the lookup */
    TAILQ_ENTRY(wish) fellow; /* in question->wishes */
    struct question *question;
    struct asker *asker;
    TAILQ_HEAD(, lookup) lookups;
    uint32_t count; /* of lookups */
};

struct question {
    RB_ENTRY(question) entry; /* in `unanswered`, while not answered */
    struct questions *questions;
    TAILQ_HEAD(, wish) wishes;
    struct place *place; /* NULL: no process looks the name up */
    unsigned deaths;     /* of the process, during a lookup of the name */
    bool answered;
    bool in_delivery; /* a `done` runs, so the question must not be freed */
    union address *addresses;
    size_t count;
    char reason[QUESTION_REASON_BYTES];
    const char *name; /* behind the struct */
};

void questions_init(struct questions *questions, struct places *places);

/* Adds a lookup of `name` by this user; an earlier question for the name is shared. Error: -ENOMEM. */
int questions_add(struct questions *questions, struct asker *asker, const char *name, lookup_done *done, void *owner,
                  struct lookup **ret_lookup);

/* Removes and frees the lookup. The last lookup of a question also ends the question and gives its place up. */
void questions_cancel(struct lookup *lookup);

/* Orders a lookup of the question at `place`, charged to `asker`. Errors: those of place_begin. */
int question_begin(struct question *question, struct place *place, struct asker *asker);

/* Releases the place after the process answered or ended. Returns the question. */
struct question *question_release(struct place *place);

/* Gives the place of the question up. */
void question_give_up(struct question *question);

/* Fails all unanswered questions. `error`: the positive errno of the start of a process. No question may have a place.
 */
void questions_fail_all(struct questions *questions, int error);

/* Puts the question first in the queue of each user that wishes for the name. Takes the question out of all queues. */
void question_requeue(struct question *question);
void question_dequeue(struct question *question);

/* Answers the question, which is in no queue, and schedules delivery of the answer to each user. */
void question_answer(struct question *question, const struct names_answer *answer);
void __attribute__((format(printf, 2, 3))) question_fail(struct question *question, const char *format, ...);

#endif
