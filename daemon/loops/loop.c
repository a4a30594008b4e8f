/* SPDX-License-Identifier: MIT */
#include "daemon/loops/loop.h"

#include "daemon/base/invariant.h"

#include <stdlib.h>
#include <string.h>

static int compare_streams(const struct stream *left, const struct stream *right)
{
    return left->token < right->token ? -1 : left->token > right->token;
}

TREE_GENERATE(stream_tree, stream, by_token, compare_streams)

/* ---- All loops -------------------------------------------------------------------------------------------------- */

static int compare_keys(const char *left, uid_t left_uid, const struct loop *right)
{
    int order = strcmp(left, right->name);

    if (order)
        return order;
    return left_uid < right->account->uid ? -1 : left_uid > right->account->uid;
}

static int compare_loops(const struct loop *left, const struct loop *right)
{
    return compare_keys(left->name, left->account->uid, right);
}

TREE_GENERATE(loop_tree, loop, by_name, compare_loops)

void loops_init(struct loops *loops, struct reactor *reactor, struct async_closer *closer,
                void (*deliver)(struct task *task))
{
    loops->deliver = deliver;
    LIST_INIT(&loops->closing);
    loops->rearm.count = 0;
    RB_INIT(&loops->named);
    loops->count = loops->lease_count = loops->waiter_count = 0;
    expired_init(&loops->expired);
    loops->reactor = reactor;
    recorder_init(&loops->recorder, closer);
}

struct loop *loops_find(struct loops *loops, const char *name, uid_t uid)
{
    struct loop *loop = RB_ROOT(&loops->named);

    while (loop) {
        int order = compare_keys(name, uid, loop);

        if (order == 0)
            return loop;
        loop = order < 0 ? RB_LEFT(loop, by_name) : RB_RIGHT(loop, by_name);
    }
    return NULL;
}

struct loop *loops_after(struct loops *loops, const char *after)
{
    struct loop *loop = RB_ROOT(&loops->named), *found = NULL;

    while (loop) {
        bool is_behind = !after || strcmp(loop->name, after) > 0;

        if (is_behind)
            found = loop;
        loop = is_behind ? RB_LEFT(loop, by_name) : RB_RIGHT(loop, by_name);
    }
    return found;
}

struct loop *loops_next(struct loop *loop)
{
    return RB_NEXT(loop_tree, NULL, loop);
}

/* ---- A loop ----------------------------------------------------------------------------------------------------- */

struct loop *loop_new(struct loops *loops, struct account *account, const char *name)
{
    size_t length = name ? strlen(name) : 0;
    struct loop *loop = calloc(1, sizeof *loop + length + 1);

    if (!loop)
        return NULL;
    loop->loops = loops;
    loop->account = account;
    loop->linger_ms = LINGER_MS;
    loop->deliver_task = (struct task){.run = loops->deliver, .share = &account->share, .stage = STAGE_DELIVER};
    RB_INIT(&loop->streams);
    TAILQ_INIT(&loop->members);
    TAILQ_INIT(&loop->idle);
    TAILQ_INIT(&loop->expired);
    TAILQ_INIT(&loop->waiters);
    TAILQ_INIT(&loop->ready);
    TAILQ_INIT(&loop->delivered);
    loops->count++;
    if (name) {
        struct loop *twin;

        memcpy(loop->name, name, length);
        twin = RB_INSERT(loop_tree, &loops->named, loop);
        INVARIANT(!twin);
    }
    return loop;
}

struct loop *loop_free(struct loop *loop)
{
    if (!loop)
        return NULL;
    INVARIANT(!loop->count && !loop->ready_count && TAILQ_EMPTY(&loop->ready) && TAILQ_EMPTY(&loop->delivered));
    INVARIANT(!loop_is_used(loop) && !loop->leaver_count && !loop->reserved && TAILQ_EMPTY(&loop->waiters));
    INVARIANT(!loop->linger.running && !loop->close_task.queued && loop->loops->count > 0);
    loop_dequeue(loop);
    loop->loops->count--;
    if (loop_is_named(loop))
        RB_REMOVE(loop_tree, &loop->loops->named, loop);
    free(loop);
    return NULL;
}

bool loop_is_named(const struct loop *loop)
{
    return loop->name[0] != '\0';
}

const char *loop_name(const struct loop *loop)
{
    return loop_is_named(loop) ? loop->name : NULL;
}

struct stream *loop_find(struct loop *loop, uint64_t token)
{
    struct stream key = {.token = token};

    return RB_FIND(stream_tree, &loop->streams, &key);
}

struct stream *loop_next(struct loop *loop, const uint64_t *after)
{
    struct stream key;

    if (!after)
        return RB_MIN(stream_tree, &loop->streams);
    key.token = *after + 1; /* a token is below 2^53 */
    return RB_NFIND(stream_tree, &loop->streams, &key);
}

struct stream *loop_next_stream(struct stream *stream)
{
    return RB_NEXT(stream_tree, NULL, stream);
}

void loop_add(struct loop *loop, struct stream *stream)
{
    struct stream *twin = RB_INSERT(stream_tree, &loop->streams, stream);

    INVARIANT(!twin && stream->loop == loop && stream->list == LIST_NONE);
    loop->count++;
    loop->lasting_count += stream->mode != MODE_ONESHOT;
}

void loop_remove(struct loop *loop, struct stream *stream)
{
    INVARIANT(stream->loop == loop && loop->count > 0);
    loop_set_list(loop, stream, LIST_NONE);
    RB_REMOVE(stream_tree, &loop->streams, stream);
    loop->count--;
    loop->lasting_count -= stream->mode != MODE_ONESHOT;
}

/* ---- Ready streams ----------------------------------------------------------------------------------------------- */

static void leave_list(struct loop *loop, struct stream *stream)
{
    if (stream->list == LIST_READY) {
        TAILQ_REMOVE(&loop->ready, stream, list_link);
        loop->ready_count--;
    } else if (stream->list == LIST_DELIVERED) {
        TAILQ_REMOVE(&loop->delivered, stream, list_link);
    }
}

void loop_set_list(struct loop *loop, struct stream *stream, enum stream_list_id list)
{
    if (stream->list == list)
        return;
    leave_list(loop, stream);
    stream->list = (uint8_t)list;
    if (list == LIST_READY) {
        TAILQ_INSERT_TAIL(&loop->ready, stream, list_link);
        loop->ready_count++;
        loop_enqueue_if_ready(loop);
    } else if (list == LIST_DELIVERED) {
        INVARIANT(!stream->pending && !stream->connecting);
        TAILQ_INSERT_TAIL(&loop->delivered, stream, list_link);
    }
}

void loop_dequeue(struct loop *loop)
{
    task_cancel(&loop->deliver_task);
}

bool loop_owner_is_due(const struct loop *loop)
{
    const struct member *owner = loop->owner;
    const struct pending *poll = owner->poll;

    if (loop->delivery == DELIVERY_PUSH)
        return !owner->blocked_by_batch && !TAILQ_EMPTY(&loop->ready);
    return poll && (poll->is_expired(poll) || (!TAILQ_EMPTY(&loop->ready) && poll->may_deliver(poll)));
}

static bool has_consumer(const struct loop *loop)
{
    if (loop->owner)
        return loop_owner_is_due(loop);
    return !TAILQ_EMPTY(&loop->expired) || (!TAILQ_EMPTY(&loop->idle) && !TAILQ_EMPTY(&loop->ready));
}

void loop_enqueue_if_ready(struct loop *loop)
{
    if (!loop->deliver_task.queued && has_consumer(loop))
        task_add(&loop->deliver_task);
}

/* ---- Waiting calls ---------------------------------------------------------------------------------------------- */

bool loop_is_used(const struct loop *loop)
{
    return loop->entrant_count || !TAILQ_EMPTY(&loop->members);
}

void loop_add_waiter(struct loop *loop, struct loop_waiter *waiter)
{
    INVARIANT(!waiter->loop);
    waiter->loop = loop;
    loop->loops->waiter_count++;
    TAILQ_INSERT_TAIL(&loop->waiters, waiter, link);
}

void loop_remove_waiter(struct loop_waiter *waiter)
{
    struct loop *loop = waiter->loop;

    if (!loop)
        return;
    waiter->loop = NULL;
    loop->loops->waiter_count--;
    TAILQ_REMOVE(&loop->waiters, waiter, link);
}

/* The first one may wait for this worker to leave, and must not keep the worker out. */
static void wake_only_worker(struct loop *loop)
{
    const struct member *worker = TAILQ_FIRST(&loop->members);
    struct loop_waiter *waiter;

    TAILQ_FOREACH(waiter, &loop->waiters, link) {
        if (waiter->member == worker) {
            waiter->wake(waiter);
            return;
        }
    }
}

void loop_wake_waiter(struct loop *loop)
{
    struct loop_waiter *first = TAILQ_FIRST(&loop->waiters);

    if (!first)
        return;
    first->wake(first);
    if (loop->worker_count == 1)
        wake_only_worker(loop);
}

void loop_dismiss_waiters(struct loop *loop)
{
    struct loop_waiter *waiter;

    while ((waiter = TAILQ_FIRST(&loop->waiters))) {
        loop_remove_waiter(waiter);
        waiter->wake(waiter);
    }
}
