/* SPDX-License-Identifier: MIT */
/*
 * Chooses the next lookup. A question waits in the queue of each user that wishes for the name. The user with the
 * fewest lookups under way comes first, and is charged for the process.
 */
#include "daemon/connect/resolver.h"

#include <errno.h>
#include <stdlib.h>

#define DEATHS_MAX 2 /* deaths of the process before a question under lookup fails */

struct resolver {
    struct places places;
    struct questions questions;
    const struct limits *limits;
};

/* ---- Choosing the next lookup ----------------------------------------------------------------------------------- */

/* The user with the fewest lookups under way that may have another lookup, and among equals the longest waiting. */
static struct asker *find_poorest(struct resolver *resolver)
{
    struct asker *asker, *poorest = NULL;

    TAILQ_FOREACH(asker, &resolver->questions.askers, entry) {
        if (asker->under_way < resolver->limits->lookups_uid && (!poorest || asker->under_way < poorest->under_way))
            poorest = asker;
        if (poorest && !poorest->under_way)
            break;
    }
    return poorest;
}

static unsigned count_poor(const struct resolver *resolver)
{
    const struct asker *asker;
    unsigned count = 0;

    TAILQ_FOREACH(asker, &resolver->questions.askers, entry)
        count += !asker->under_way;
    return count;
}

/* Gives up places, until a place is free soon for each user without a lookup under way. */
static void make_room(struct resolver *resolver)
{
    unsigned poor = count_poor(resolver);
    struct place *spare;

    while (resolver->places.leaving < poor && (spare = places_find_spare(&resolver->places))) {
        struct question *question = spare->question;

        question_give_up(question);
        question_requeue(question);
    }
}

static void resolver_pump(struct resolver *resolver)
{
    struct asker *asker;

    while ((asker = find_poorest(resolver))) {
        struct place *place = places_find_free(&resolver->places, resolver->limits->lookups);

        if (!place) {
            if (!asker->under_way)
                make_room(resolver);
            return;
        }
        if (question_begin(TAILQ_FIRST(&asker->waiting)->question, place, asker) < 0)
            return;
    }
}

/* ---- The process ------------------------------------------------------------------------------------------------ */

static void resolver_answered(struct names_link *link, const struct names_answer *answer)
{
    struct resolver *resolver = container_of(link, struct resolver, places.link);
    struct place *place = &resolver->places.places[answer->place];

    if (place->question)
        question_answer(question_release(place), answer);
    else
        place_has_left(&resolver->places, place);
    resolver_pump(resolver);
}

/* The name under lookup may have crashed the process, so a question fails after DEATHS_MAX deaths. */
static void resolver_process_ended(struct names_link *link)
{
    struct resolver *resolver = container_of(link, struct resolver, places.link);

    for (size_t i = 0; i < NAMES_PLACES_MAX; i++) {
        struct place *place = &resolver->places.places[i];
        struct question *question = place->question;

        place_has_left(&resolver->places, place);
        if (!question)
            continue;
        question_release(place);
        if (++question->deaths < DEATHS_MAX)
            question_requeue(question);
        else
            question_fail(question, "the process that looks up names has ended");
    }
    resolver_pump(resolver);
}

static void resolver_unavailable(struct names_link *link, int error)
{
    struct resolver *resolver = container_of(link, struct resolver, places.link);

    questions_fail_all(&resolver->questions, error);
}

static void resolver_writable(struct names_link *link)
{
    struct resolver *resolver = container_of(link, struct resolver, places.link);

    places_resend(&resolver->places);
    resolver_pump(resolver);
}

/* ---- The resolver ----------------------------------------------------------------------------------------------- */

int resolver_new(struct reactor *reactor, const struct limits *limits, struct resolver **ret_resolver)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);

    if (!resolver)
        return -ENOMEM;
    resolver->limits = limits;
    questions_init(&resolver->questions, &resolver->places);
    resolver->places.link.answered = resolver_answered;
    resolver->places.link.ended = resolver_process_ended;
    resolver->places.link.unavailable = resolver_unavailable;
    resolver->places.link.writable = resolver_writable;
    names_link_init(&resolver->places.link, reactor);
    *ret_resolver = resolver;
    return 0;
}

struct resolver *resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return NULL;
    names_link_deinit(&resolver->places.link);
    free(resolver);
    return NULL;
}

void resolver_look(struct resolver *resolver)
{
    names_link_look(&resolver->places.link);
}

void resolver_leave(struct resolver *resolver)
{
    names_link_leave(&resolver->places.link);
    resolver_process_ended(&resolver->places.link);
}

void resolver_return(struct resolver *resolver)
{
    names_link_return(&resolver->places.link);
}

/* ---- A lookup --------------------------------------------------------------------------------------------------- */

/* The limit does not bind root. */
static bool may_wait(const struct resolver *resolver, const struct asker *asker)
{
    return asker->share->uid == 0 || asker->waiting_count < resolver->limits->lookups_waiting_uid;
}

int lookup_start(struct resolver *resolver, struct asker *asker, const char *name, lookup_done *done, void *owner,
                 struct lookup **ret_lookup)
{
    int result;

    if (!may_wait(resolver, asker))
        return -EDQUOT;
    result = questions_add(&resolver->questions, asker, name, done, owner, ret_lookup);
    if (result < 0)
        return result;
    resolver_pump(resolver);
    return 0;
}

void lookup_cancel(struct lookup *lookup)
{
    questions_cancel(lookup);
}
