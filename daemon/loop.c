/* SPDX-License-Identifier: MIT */
#include "daemon/loop.h"

#include "daemon/stream.h"

#include <stdlib.h>

static int compare(const struct stream *left, const struct stream *right)
{
    return left->token < right->token ? -1 : left->token > right->token;
}

TREE_GENERATE(stream_tree, stream, by_token, compare)

void loops_init(struct loops *loops)
{
    TAILQ_INIT(&loops->ready);
    loops->count = 0;
}

struct loop *loop_new(struct loops *loops, struct session *session)
{
    struct loop *loop = calloc(1, sizeof *loop);

    if (!loop)
        return NULL;
    loop->loops = loops;
    loop->session = session;
    RB_INIT(&loop->streams);
    TAILQ_INIT(&loop->ready);
    loops->count++;
    return loop;
}

struct loop *loop_free(struct loop *loop)
{
    if (!loop)
        return NULL;
    loop_pause(loop);
    loop->loops->count--;
    free(loop);
    return NULL;
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

void loop_add(struct loop *loop, struct stream *stream)
{
    RB_INSERT(stream_tree, &loop->streams, stream);
    loop->count++;
}

void loop_remove(struct loop *loop, struct stream *stream)
{
    loop_unqueue(loop, stream);
    RB_REMOVE(stream_tree, &loop->streams, stream);
    loop->count--;
}

void loop_queue(struct loop *loop, struct stream *stream)
{
    if (stream->queued)
        return;
    stream->queued = true;
    TAILQ_INSERT_TAIL(&loop->ready, stream, ready_link);
    loop_resume(loop);
}

void loop_unqueue(struct loop *loop, struct stream *stream)
{
    if (!stream->queued)
        return;
    stream->queued = false;
    TAILQ_REMOVE(&loop->ready, stream, ready_link);
}

void loop_pause(struct loop *loop)
{
    if (!loop->queued)
        return;
    loop->queued = false;
    TAILQ_REMOVE(&loop->loops->ready, loop, ready_link);
}

void loop_resume(struct loop *loop)
{
    if (loop->queued || TAILQ_EMPTY(&loop->ready))
        return;
    loop->queued = true;
    TAILQ_INSERT_TAIL(&loop->loops->ready, loop, ready_link);
}

bool loop_can_speak(struct loop *loop)
{
    struct stream *stream;

    RB_FOREACH(stream, stream_tree, &loop->streams)
    if (stream_can_speak(stream))
        return true;
    return false;
}
