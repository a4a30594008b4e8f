/* SPDX-License-Identifier: MIT */
/*
 * A client's event queue: its streams by token, and those of them that have readiness to tell, in the order in which
 * they became ready.
 */
#ifndef MINIMIO_DAEMON_LOOP_H
#define MINIMIO_DAEMON_LOOP_H

#include "daemon/tree.h"

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;
struct stream;

RB_HEAD(stream_tree, stream);
TAILQ_HEAD(stream_list, stream);
TAILQ_HEAD(loop_list, loop);

/* All loops of the daemon, and those that have something to deliver. */
struct loops {
    struct loop_list ready;
    size_t count;
};

struct loop {
    struct loops *loops;
    struct session *session; /* who reads it */
    struct stream_tree streams;
    size_t count;             /* of its streams */
    struct stream_list ready; /* streams with readiness to tell */
    TAILQ_ENTRY(loop) ready_link;
    bool queued; /* in loops->ready */
};

void loops_init(struct loops *loops);

/* NULL: out of memory. */
struct loop *loop_new(struct loops *loops, struct session *session);

/* The loop must have no streams any more. */
struct loop *loop_free(struct loop *loop);

struct stream *loop_find(struct loop *loop, uint64_t token);

/* The stream with the smallest token above `*after`, or of all with NULL; NULL: there is none. */
struct stream *loop_next(struct loop *loop, const uint64_t *after);

/* The token must not be in use. */
void loop_add(struct loop *loop, struct stream *stream);
void loop_remove(struct loop *loop, struct stream *stream);

/* The stream has readiness to tell, or has none any more. */
void loop_queue(struct loop *loop, struct stream *stream);
void loop_unqueue(struct loop *loop, struct stream *stream);

/* Sets the loop aside while its session takes nothing, and puts it back. */
void loop_pause(struct loop *loop);
void loop_resume(struct loop *loop);

/* Whether any of its streams can still bring an event without a further request. */
bool loop_can_speak(struct loop *loop);

#endif
