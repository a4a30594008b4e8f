/* SPDX-License-Identifier: MIT */
#include "daemon/connect/questions.h"

#include "daemon/base/invariant.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The interest of one caller in a name. */
struct lookup {
    TAILQ_ENTRY(lookup) entry;
    struct wish *wish;
    lookup_done *done;
    void *owner;
};

static int compare_names(const struct question *left, const struct question *right)
{
    return strcmp(left->name, right->name);
}

TREE_GENERATE(question_tree, question, entry, compare_names)

void questions_init(struct questions *questions, struct places *places)
{
    questions->places = places;
    RB_INIT(&questions->unanswered);
    TAILQ_INIT(&questions->askers);
}

/* ---- Waiting ---------------------------------------------------------------------------------------------------- */

static void wish_enqueue(struct wish *wish, bool first)
{
    struct asker *asker = wish->asker;

    if (TAILQ_EMPTY(&asker->waiting))
        TAILQ_INSERT_TAIL(&wish->question->questions->askers, asker, entry);
    if (first)
        TAILQ_INSERT_HEAD(&asker->waiting, wish, entry);
    else
        TAILQ_INSERT_TAIL(&asker->waiting, wish, entry);
    asker->waiting_count += wish->count;
}

static void wish_dequeue(struct wish *wish)
{
    struct asker *asker = wish->asker;

    TAILQ_REMOVE(&asker->waiting, wish, entry);
    INVARIANT(asker->waiting_count >= wish->count);
    asker->waiting_count -= wish->count;
    if (TAILQ_EMPTY(&asker->waiting))
        TAILQ_REMOVE(&wish->question->questions->askers, asker, entry);
}

void question_requeue(struct question *question)
{
    struct wish *wish;

    TAILQ_FOREACH(wish, &question->wishes, fellow)
        wish_enqueue(wish, true);
}

void question_dequeue(struct question *question)
{
    struct wish *wish;

    TAILQ_FOREACH(wish, &question->wishes, fellow)
        wish_dequeue(wish);
}

/* ---- Places ----------------------------------------------------------------------------------------------------- */

int question_begin(struct question *question, struct place *place, struct asker *asker)
{
    int result = place_begin(question->questions->places, place, question, question->name, asker);

    if (result < 0)
        return result;
    question->place = place;
    question_dequeue(question);
    return 0;
}

struct question *question_release(struct place *place)
{
    struct question *question = place_release(place);

    question->place = NULL;
    return question;
}

void question_give_up(struct question *question)
{
    place_give_up(question->questions->places, question->place);
    question->place = NULL;
}

/* ---- Questions -------------------------------------------------------------------------------------------------- */

static struct question *question_new(struct questions *questions, const char *name)
{
    size_t size = strlen(name) + 1;
    struct question *question = calloc(1, sizeof *question + size);

    if (!question)
        return NULL;
    question->questions = questions;
    question->name = memcpy(question + 1, name, size);
    TAILQ_INIT(&question->wishes);
    RB_INSERT(question_tree, &questions->unanswered, question);
    return question;
}

static void question_free(struct question *question)
{
    if (!question->answered)
        RB_REMOVE(question_tree, &question->questions->unanswered, question);
    free(question->addresses);
    free(question);
}

static struct question *find_question(struct questions *questions, const char *name)
{
    struct question key = {.name = name}, *found = RB_FIND(question_tree, &questions->unanswered, &key);

    return found ? found : question_new(questions, name);
}

static struct wish *find_wish(struct question *question, const struct asker *asker)
{
    struct wish *wish;

    TAILQ_FOREACH(wish, &question->wishes, fellow)
        if (wish->asker == asker)
            return wish;
    return NULL;
}

/* Makes a wish without lookups. */
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
        wish_enqueue(wish, false);
    return wish;
}

/* `asker` no longer wishes for the name. If the lookup is charged to `asker`, charges another user with a wish. */
static void question_pass_on(struct question *question, const struct asker *asker)
{
    struct place *place = question->place;

    if (!place || place->asker != asker || TAILQ_EMPTY(&question->wishes))
        return;
    place_charge(place, TAILQ_FIRST(&question->wishes)->asker);
}

/* Frees a wish without lookups. A question without wishes is freed too, and any lookup under way is given up. */
static void wish_end(struct wish *wish)
{
    struct question *question = wish->question;

    TAILQ_REMOVE(&question->wishes, wish, fellow);
    if (question->answered)
        TAILQ_REMOVE(&wish->asker->answered, wish, entry);
    else if (!question->place)
        wish_dequeue(wish);
    question_pass_on(question, wish->asker);
    free(wish);
    if (!TAILQ_EMPTY(&question->wishes) || question->in_delivery)
        return;
    if (question->place)
        question_give_up(question);
    question_free(question);
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

static void drop_lookup(struct lookup *lookup)
{
    struct wish *wish = lookup->wish;

    TAILQ_REMOVE(&wish->lookups, lookup, entry);
    INVARIANT(wish->count > 0);
    wish->count--;
    if (!wish->question->answered && !wish->question->place) {
        INVARIANT(wish->asker->waiting_count > 0);
        wish->asker->waiting_count--;
    }
    free(lookup);
}

static void wish_deliver(struct wish *wish)
{
    struct question *question = wish->question;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): a freed lookup is not in the list */
    struct lookup delivered = *TAILQ_FIRST(&wish->lookups);

    question->in_delivery = true;
    drop_lookup(TAILQ_FIRST(&wish->lookups));
    if (TAILQ_EMPTY(&wish->lookups))
        wish_end(wish);
    delivered.done(delivered.owner, question->addresses, question->count, question->reason);
    question->in_delivery = false;
    if (TAILQ_EMPTY(&question->wishes))
        question_free(question);
}

/* A `done` may close the last session of the user, which frees the asker: the share then no longer runs. */
static void asker_deliver(struct task *task)
{
    struct asker *asker = container_of(task, struct asker, task);
    const struct share *share = asker->share;
    struct schedule *schedule = share->schedule;

    while (!TAILQ_EMPTY(&asker->answered)) {
        wish_deliver(TAILQ_FIRST(&asker->answered));
        if (schedule->running != share)
            return;
        if (schedule_slice_is_over(schedule))
            break;
    }
    if (!TAILQ_EMPTY(&asker->answered))
        task_add(task);
}

static void question_settle(struct question *question)
{
    struct wish *wish;

    RB_REMOVE(question_tree, &question->questions->unanswered, question);
    question->answered = true;
    TAILQ_FOREACH(wish, &question->wishes, fellow) {
        TAILQ_INSERT_TAIL(&wish->asker->answered, wish, entry);
        task_add(&wish->asker->task);
    }
}

void question_fail(struct question *question, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(question->reason, sizeof question->reason, format, arguments);
    va_end(arguments);
    question_settle(question);
}

static void question_succeed(struct question *question, const struct names_answer *answer)
{
    question->addresses = calloc(answer->count, sizeof *question->addresses);
    if (!question->addresses) {
        question_fail(question, "out of memory");
        return;
    }
    question->count = answer->count;
    for (size_t i = 0; i < question->count; i++)
        names_answer_get(answer, i, &question->addresses[i]);
    question_settle(question);
}

void question_answer(struct question *question, const struct names_answer *answer)
{
    switch (answer->outcome) {
    case NAMES_FOUND:
        question_succeed(question, answer);
        break;
    case NAMES_NOT_FOUND:
        question_fail(question, "%s", gai_strerror(answer->detail));
        break;
    case NAMES_ERRNO:
        question_fail(question, "%s", strerror(answer->detail));
        break;
    case NAMES_NO_PROCESS:
        question_fail(question, "no process for the lookup: %s", strerror(answer->detail));
        break;
    default:
        if (answer->detail)
            question_fail(question, "signal %d ended the lookup", answer->detail);
        else
            question_fail(question, "the lookup ended without an answer");
    }
}

void questions_fail_all(struct questions *questions, int error)
{
    struct question *question, *next;

    RB_FOREACH_SAFE(question, question_tree, &questions->unanswered, next) {
        question_dequeue(question);
        question_fail(question, "no process for the lookup: %s", strerror(error));
    }
}

/* ---- Lookups ---------------------------------------------------------------------------------------------------- */

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

int questions_add(struct questions *questions, struct asker *asker, const char *name, lookup_done *done, void *owner,
                  struct lookup **ret_lookup)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    struct question *question;
    int result;

    if (!lookup)
        return -ENOMEM;
    lookup->done = done;
    lookup->owner = owner;
    question = find_question(questions, name);
    result = question ? add_lookup(lookup, question, asker) : -ENOMEM;
    if (result < 0) {
        if (question && TAILQ_EMPTY(&question->wishes))
            question_free(question);
        free(lookup);
        return result;
    }
    asker->task.run = asker_deliver;
    *ret_lookup = lookup;
    return 0;
}

void questions_cancel(struct lookup *lookup)
{
    struct wish *wish = lookup->wish;

    drop_lookup(lookup);
    if (TAILQ_EMPTY(&wish->lookups))
        wish_end(wish);
}
