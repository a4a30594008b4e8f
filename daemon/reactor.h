/* SPDX-License-Identifier: MIT */
/*
 * The one place that waits: the queue, the timers, and the sources that the queue's tokens point to.
 *
 * A token is its source's address. A source that goes away may still be named by an event of the batch under way, so
 * its memory is buried, not freed: it ignores what comes, and goes when the batch is done. After that nothing names
 * it, because a deregistered descriptor is in no later batch.
 */
#ifndef MINIMIO_DAEMON_REACTOR_H
#define MINIMIO_DAEMON_REACTOR_H

#include "daemon/timer.h"
#include "libminimio/minimio.h"

#include <bsd/sys/queue.h>

/* The first member of whatever is registered with the queue, so that freeing the source frees the whole. */
struct source {
    void (*ready)(struct source *source, const struct minimio_event *event);
    SLIST_ENTRY(source) buried;
};

struct reactor {
    struct minimio_poll *poll;
    struct minimio_registrator *registrator;
    struct timers timers;
    SLIST_HEAD(, source) buried;
    int64_t woke_ns;     /* when the turn's wait ended */
    int64_t gathered_ns; /* when the kernel was asked last */
    bool full;           /* the kernel may have had more than this turn took */
};

/* Errors: those of minimio_poll_new. To be freed with reactor_deinit after an error too. */
int reactor_init(struct reactor *reactor);
void reactor_deinit(struct reactor *reactor);

/*
 * Waits for readiness or a timer (or only looks, if `busy`), then calls the sources that are ready and the timers that
 * have expired. Errors: -ECANCELED and whatever else the queue says.
 */
int reactor_turn(struct reactor *reactor, bool busy);

/* The memory of what was buried is freed: to be called when nothing of this turn's is held any more. */
void reactor_reap(struct reactor *reactor);

/* As minimio_registrator_register_fd, _register_socket, _reregister_fd and _deregister_fd. */
int reactor_watch(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                  enum minimio_mode mode);
int reactor_watch_socket(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                         enum minimio_mode mode);
int reactor_rewatch(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                    enum minimio_mode mode);
void reactor_unwatch(struct reactor *reactor, minimio_fd fd);

/* Takes the memory of a source, all else in it being released already. */
void reactor_bury(struct reactor *reactor, struct source *source);

#endif
