/* SPDX-License-Identifier: MIT */
/*
 * A question is a name that is asked for, a wish is one user's interest in it, a lookup is one caller's. A question
 * waits in the queue of each user that wishes for it; whichever user's turn comes first has it looked up, and is
 * charged. A place is a process at work. A place that is given up is free again once its process is known to be killed,
 * so that a user that asks and cancels in a loop has no more processes under way than its share.
 */
#include "daemon/connect/resolver.h"

#include "daemon/connect/names_link.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROCESS_NS   (NS_PER_MS / 4) /* what a process costs, which its user is charged */
#define DEATHS_MAX   2               /* of the process that looks up names, after which a question is given up */
#define REASON_BYTES 64

struct lookup {
    TAILQ_ENTRY(lookup) entry;
    struct wish *wish;
    lookup_done *done;
    void *owner;
};

struct wish {
    TAILQ_ENTRY(wish) entry;  /* in its asker's `waiting` or `answered`; in none while it is looked up */
    TAILQ_ENTRY(wish) fellow; /* in question->wishes */
    struct question *question;
    struct asker *asker;
    TAILQ_HEAD(, lookup) lookups;
    uint32_t count;
};

struct question {
    RB_ENTRY(question) entry; /* while it is not answered */
    struct resolver *resolver;
    TAILQ_HEAD(, wish) wishes;
    struct place *place; /* NULL: it is not being looked up */
    unsigned deaths;
    bool answered;
    bool told; /* at this moment, so it stays until that is over */
    union address *addresses;
    size_t count;
    char reason[REASON_BYTES];
    const char *name; /* behind it */
};

RB_HEAD(question_tree, question);

struct place {
    struct question *question; /* NULL: it is free, or given up */
    struct asker *asker;       /* for whom it is at work */
    uint64_t began;            /* counts */
    bool leaving;              /* given up, and not known to be killed yet */
    bool untold;               /* that it is given up */
};

struct resolver {
    struct names_link link;
    const struct limits *limits;
    struct question_tree questions;
    struct asker_list askers; /* that have something waiting */
    struct place places[NAMES_PLACES_MAX];
    uint64_t began;
    unsigned leaving;
};

static int compare(const struct question *left, const struct question *right)
{
    return strcmp(left->name, right->name);
}

TREE_GENERATE(question_tree, question, entry, compare)

static void pump(struct resolver *resolver);

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

static void enqueue(struct wish *wish, bool first)
{
    struct asker *asker = wish->asker;

    if (TAILQ_EMPTY(&asker->waiting))
        TAILQ_INSERT_TAIL(&wish->question->resolver->askers, asker, entry);
    if (first)
        TAILQ_INSERT_HEAD(&asker->waiting, wish, entry);
    else
        TAILQ_INSERT_TAIL(&asker->waiting, wish, entry);
    asker->waiting_count += wish->count;
}

static void dequeue(struct wish *wish)
{
    struct asker *asker = wish->asker;

    TAILQ_REMOVE(&asker->waiting, wish, entry);
    asker->waiting_count -= wish->count;
    if (TAILQ_EMPTY(&asker->waiting))
        TAILQ_REMOVE(&wish->question->resolver->askers, asker, entry);
}

/* ---- Places ----------------------------------------------------------------------------------------------------- */

static void release_place(struct place *place)
{
    place->question->place = NULL;
    place->question = NULL;
    place->asker->under_way--;
    place->asker = NULL;
}

static void tell_given_up(struct resolver *resolver, struct place *place)
{
    const struct names_request request = {.order = NAMES_GIVE_UP, .place = (uint16_t)(place - resolver->places)};

    place->untold = names_link_send(&resolver->link, &request) < 0;
}

static void give_up(struct resolver *resolver, struct place *place)
{
    release_place(place);
    place->leaving = true;
    resolver->leaving++;
    tell_given_up(resolver, place);
}

static void has_left(struct resolver *resolver, struct place *place)
{
    resolver->leaving -= place->leaving;
    place->leaving = place->untold = false;
}

static void requeue(struct question *question)
{
    struct wish *wish;

    TAILQ_FOREACH(wish, &question->wishes, fellow)
    enqueue(wish, true);
}

/* Negative errno: there is no process to tell, or it takes nothing now. */
static int begin(struct resolver *resolver, struct place *place, struct asker *asker)
{
    struct question *question = TAILQ_FIRST(&asker->waiting)->question;
    struct names_request request = {.order = NAMES_LOOK_UP, .place = (uint16_t)(place - resolver->places)};
    struct wish *wish;
    int result;

    snprintf(request.host, sizeof request.host, "%s", question->name);
    result = names_link_send(&resolver->link, &request);
    if (result < 0)
        return result;
    *place = (struct place){.question = question, .asker = asker, .began = resolver->began++};
    question->place = place;
    asker->under_way++;
    share_charge(asker->share, PROCESS_NS);
    TAILQ_FOREACH(wish, &question->wishes, fellow)
    dequeue(wish);
    return 0;
}

/* ---- Whose turn it is ------------------------------------------------------------------------------------------- */

/* Of those that may have one more, the one that has the fewest, and has waited for longest. */
static struct asker *find_poorest(struct resolver *resolver)
{
    struct asker *asker, *poorest = NULL;

    TAILQ_FOREACH(asker, &resolver->askers, entry)
    {
        if (asker->under_way < resolver->limits->lookups_uid && (!poorest || asker->under_way < poorest->under_way))
            poorest = asker;
        if (poorest && !poorest->under_way)
            break;
    }
    return poorest;
}

static struct place *find_free(struct resolver *resolver)
{
    for (uint32_t i = 0; i < resolver->limits->lookups; i++)
        if (!resolver->places[i].question && !resolver->places[i].leaving)
            return &resolver->places[i];
    return NULL;
}

/* Whether the left one is to be given up rather than the right one. */
static bool goes_before(const struct place *left, const struct place *right)
{
    if (left->asker->under_way != right->asker->under_way)
        return left->asker->under_way > right->asker->under_way;
    return left->began > right->began;
}

/* Of whoever has the most, the lookup that began last: older ones are to end some day. NULL: nobody has two. */
static struct place *find_spare(struct resolver *resolver)
{
    struct place *spare = NULL;

    for (size_t i = 0; i < NAMES_PLACES_MAX; i++) {
        struct place *place = &resolver->places[i];

        if (place->question && place->asker->under_way > 1 && (!spare || goes_before(place, spare)))
            spare = place;
    }
    return spare;
}

static unsigned count_poor(const struct resolver *resolver)
{
    const struct asker *asker;
    unsigned count = 0;

    TAILQ_FOREACH(asker, &resolver->askers, entry)
    count += !asker->under_way;
    return count;
}

/* For each user that has nothing under way, a place is free soon. */
static void make_room(struct resolver *resolver)
{
    unsigned poor = count_poor(resolver);
    struct place *spare;

    while (resolver->leaving < poor && (spare = find_spare(resolver))) {
        struct question *question = spare->question;

        give_up(resolver, spare);
        requeue(question);
    }
}

static void pump(struct resolver *resolver)
{
    struct asker *asker;

    while ((asker = find_poorest(resolver))) {
        struct place *place = find_free(resolver);

        if (!place) {
            if (!asker->under_way)
                make_room(resolver);
            return;
        }
        if (begin(resolver, place, asker) < 0)
            return;
    }
}

/* ---- Questions -------------------------------------------------------------------------------------------------- */

static struct question *question_new(struct resolver *resolver, const char *name)
{
    size_t size = strlen(name) + 1;
    struct question *question = calloc(1, sizeof *question + size);

    if (!question)
        return NULL;
    question->resolver = resolver;
    question->name = memcpy(question + 1, name, size);
    TAILQ_INIT(&question->wishes);
    RB_INSERT(question_tree, &resolver->questions, question);
    return question;
}

static void question_free(struct question *question)
{
    if (!question->answered)
        RB_REMOVE(question_tree, &question->resolver->questions, question);
    free(question->addresses);
    free(question);
}

static struct question *find_question(struct resolver *resolver, const char *name)
{
    struct question key = {.name = name}, *found = RB_FIND(question_tree, &resolver->questions, &key);

    return found ? found : question_new(resolver, name);
}

static struct wish *find_wish(struct question *question, const struct asker *asker)
{
    struct wish *wish;

    TAILQ_FOREACH(wish, &question->wishes, fellow)
    if (wish->asker == asker)
        return wish;
    return NULL;
}

/* Without a lookup yet. */
static struct wish *wish_new(struct question *question, struct asker *asker)
{
    struct wish *wish = calloc(1, sizeof *wish);

    if (!wish)
        return NULL;
    wish->question = question;
    wish->asker = asker;
    TAILQ_INIT(&wish->lookups);
    TAILQ_INSERT_TAIL(&question->wishes, wish, fellow);
    if (!question->place)
        enqueue(wish, false);
    return wish;
}

/* Somebody else may be interested still, and is then charged in this user's place. */
static void pass_on(struct question *question, const struct asker *asker)
{
    struct place *place = question->place;

    if (!place || place->asker != asker || TAILQ_EMPTY(&question->wishes))
        return;
    place->asker->under_way--;
    place->asker = TAILQ_FIRST(&question->wishes)->asker;
    place->asker->under_way++;
}

/* Nobody of this user is interested any more. */
static void wish_end(struct wish *wish)
{
    struct question *question = wish->question;

    TAILQ_REMOVE(&question->wishes, wish, fellow);
    if (question->answered)
        TAILQ_REMOVE(&wish->asker->answered, wish, entry);
    else if (!question->place)
        dequeue(wish);
    pass_on(question, wish->asker);
    free(wish);
    if (!TAILQ_EMPTY(&question->wishes) || question->told)
        return;
    if (question->place)
        give_up(question->resolver, question->place);
    question_free(question);
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

static void drop_lookup(struct lookup *lookup)
{
    struct wish *wish = lookup->wish;

    TAILQ_REMOVE(&wish->lookups, lookup, entry);
    wish->count--;
    if (!wish->question->answered && !wish->question->place)
        wish->asker->waiting_count--;
    free(lookup);
}

static void tell(struct wish *wish)
{
    struct question *question = wish->question;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the one that was freed before is not in the list any more */
    struct lookup told = *TAILQ_FIRST(&wish->lookups);

    question->told = true;
    drop_lookup(TAILQ_FIRST(&wish->lookups));
    if (TAILQ_EMPTY(&wish->lookups))
        wish_end(wish);
    told.done(told.owner, question->addresses, question->count, question->reason);
    question->told = false;
    if (TAILQ_EMPTY(&question->wishes))
        question_free(question);
}

/* What is told may end the user's last session, and with that the asker. */
static void hand_out(struct task *task)
{
    struct asker *asker = container_of(task, struct asker, task);
    const struct share *share = asker->share;
    struct schedule *schedule = share->schedule;

    while (!TAILQ_EMPTY(&asker->answered)) {
        tell(TAILQ_FIRST(&asker->answered));
        if (schedule->running != share)
            return;
        if (schedule_slice_is_over(schedule))
            break;
    }
    if (!TAILQ_EMPTY(&asker->answered))
        task_add(task);
}

static void settle(struct question *question)
{
    struct wish *wish;

    RB_REMOVE(question_tree, &question->resolver->questions, question);
    question->answered = true;
    TAILQ_FOREACH(wish, &question->wishes, fellow)
    {
        TAILQ_INSERT_TAIL(&wish->asker->answered, wish, entry);
        task_add(&wish->asker->task);
    }
}

static void __attribute__((format(printf, 2, 3))) fail(struct question *question, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(question->reason, sizeof question->reason, format, arguments);
    va_end(arguments);
    settle(question);
}

static void succeed(struct question *question, const struct names_answer *answer)
{
    question->addresses = calloc(answer->count, sizeof *question->addresses);
    if (!question->addresses) {
        fail(question, "out of memory");
        return;
    }
    question->count = answer->count;
    for (size_t i = 0; i < question->count; i++)
        names_answer_get(answer, i, &question->addresses[i]);
    settle(question);
}

static void take_answer(struct question *question, const struct names_answer *answer)
{
    switch (answer->outcome) {
    case NAMES_FOUND:
        succeed(question, answer);
        break;
    case NAMES_NOT_FOUND:
        fail(question, "%s", gai_strerror(answer->detail));
        break;
    case NAMES_ERRNO:
        fail(question, "%s", strerror(answer->detail));
        break;
    case NAMES_NO_PROCESS:
        fail(question, "no process for the lookup: %s", strerror(answer->detail));
        break;
    default:
        if (answer->detail)
            fail(question, "signal %d ended the lookup", answer->detail);
        else
            fail(question, "the lookup ended without an answer");
    }
}

static void answered(struct names_link *link, const struct names_answer *answer)
{
    struct resolver *resolver = container_of(link, struct resolver, link);
    struct place *place = &resolver->places[answer->place];
    struct question *question = place->question;

    if (question) {
        release_place(place);
        take_answer(question, answer);
    } else {
        has_left(resolver, place);
    }
    pump(resolver);
}

/* ---- The process ------------------------------------------------------------------------------------------------ */

/* A name may be what has ended it. */
static void ended(struct names_link *link)
{
    struct resolver *resolver = container_of(link, struct resolver, link);

    for (size_t i = 0; i < NAMES_PLACES_MAX; i++) {
        struct place *place = &resolver->places[i];
        struct question *question = place->question;

        has_left(resolver, place);
        if (!question)
            continue;
        release_place(place);
        if (++question->deaths < DEATHS_MAX)
            requeue(question);
        else
            fail(question, "the process that looks up names has ended");
    }
    pump(resolver);
}

static void dequeue_all(struct question *question)
{
    struct wish *wish;

    TAILQ_FOREACH(wish, &question->wishes, fellow)
    dequeue(wish);
}

static void unavailable(struct names_link *link, int error)
{
    struct resolver *resolver = container_of(link, struct resolver, link);
    struct question *question, *next;

    RB_FOREACH_SAFE(question, question_tree, &resolver->questions, next)
    {
        dequeue_all(question);
        fail(question, "no process for the lookup: %s", strerror(error));
    }
}

static void writable(struct names_link *link)
{
    struct resolver *resolver = container_of(link, struct resolver, link);

    for (size_t i = 0; i < NAMES_PLACES_MAX; i++)
        if (resolver->places[i].untold)
            tell_given_up(resolver, &resolver->places[i]);
    pump(resolver);
}

/* ---- The resolver ----------------------------------------------------------------------------------------------- */

int resolver_new(struct reactor *reactor, const struct limits *limits, struct resolver **ret_resolver)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);

    if (!resolver)
        return -ENOMEM;
    resolver->limits = limits;
    RB_INIT(&resolver->questions);
    TAILQ_INIT(&resolver->askers);
    resolver->link.answered = answered;
    resolver->link.ended = ended;
    resolver->link.unavailable = unavailable;
    resolver->link.writable = writable;
    names_link_init(&resolver->link, reactor);
    *ret_resolver = resolver;
    return 0;
}

struct resolver *resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return NULL;
    names_link_deinit(&resolver->link);
    free(resolver);
    return NULL;
}

void resolver_look(struct resolver *resolver)
{
    names_link_look(&resolver->link);
}

void resolver_leave(struct resolver *resolver)
{
    names_link_leave(&resolver->link);
    ended(&resolver->link);
}

void resolver_return(struct resolver *resolver)
{
    names_link_return(&resolver->link);
}

/* ---- A lookup --------------------------------------------------------------------------------------------------- */

static int add_lookup(struct lookup *lookup, struct question *question, struct asker *asker)
{
    struct wish *wish = find_wish(question, asker);

    if (!wish)
        wish = wish_new(question, asker);
    if (!wish)
        return -ENOMEM;
    lookup->wish = wish;
    TAILQ_INSERT_TAIL(&wish->lookups, lookup, entry);
    wish->count++;
    if (!question->place)
        asker->waiting_count++;
    return 0;
}

static int add(struct resolver *resolver, struct lookup *lookup, struct asker *asker, const char *name)
{
    struct question *question = find_question(resolver, name);
    int result = question ? add_lookup(lookup, question, asker) : -ENOMEM;

    if (result < 0 && question && TAILQ_EMPTY(&question->wishes))
        question_free(question);
    return result;
}

/* The daemon's own user and root are users like others, but for limits of numbers, which do not bind root. */
static bool may_wait(const struct resolver *resolver, const struct asker *asker)
{
    return asker->share->uid == 0 || asker->waiting_count < resolver->limits->lookups_waiting_uid;
}

int lookup_start(struct resolver *resolver, struct asker *asker, const char *name, lookup_done *done, void *owner,
                 struct lookup **ret_lookup)
{
    struct lookup *lookup;
    int result;

    if (!may_wait(resolver, asker))
        return -EDQUOT;
    lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return -ENOMEM;
    lookup->done = done;
    lookup->owner = owner;
    result = add(resolver, lookup, asker, name);
    if (result < 0) {
        free(lookup);
        return result;
    }
    asker->task.run = hand_out;
    *ret_lookup = lookup;
    pump(resolver);
    return 0;
}

void lookup_cancel(struct lookup *lookup)
{
    struct wish *wish = lookup->wish;

    drop_lookup(lookup);
    if (TAILQ_EMPTY(&wish->lookups))
        wish_end(wish);
}
