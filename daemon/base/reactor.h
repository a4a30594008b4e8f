/* SPDX-License-Identifier: MIT */
/*
 * The one place that waits: the queue, the timers, and the sources that the queue's tokens point to.
 *
 * A token is its source's address. An event of this turn may still name a source that has ended, so the memory of a
 * source is freed as the turn ends; until then the source ignores events. Later turns have no event of a descriptor
 * that was deregistered.
 */
#ifndef MINIMIO_DAEMON_BASE_REACTOR_H
#define MINIMIO_DAEMON_BASE_REACTOR_H

#include "daemon/base/timer.h"
#include "libminimio/minimio.h"

#include <bsd/sys/queue.h>

/* The first member of an allocation that is freed as the turn ends. */
struct deferred_free {
    SLIST_ENTRY(deferred_free) link;
};

/* The first member of whatever is registered with the queue. */
struct source {
    struct deferred_free memory;
    void (*ready)(struct source *source, const struct minimio_event *event);
};

struct reactor {
    struct minimio_poll *poll;
    struct minimio_registrator *registrator;
    struct timers timers;
    SLIST_HEAD(, deferred_free) deferred;
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

/* Frees the memory that reactor_defer_free took: to be called when nothing of this turn is held any more. */
void reactor_free_deferred(struct reactor *reactor);

/* As minimio_registrator_register_fd, _register_socket, _reregister_fd and _deregister_fd. */
int reactor_watch(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                  enum minimio_mode mode);
int reactor_watch_socket(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                         enum minimio_mode mode);
int reactor_rewatch(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                    enum minimio_mode mode);
void reactor_unwatch(struct reactor *reactor, minimio_fd fd);

/* Frees an allocation as the turn ends, all else in it being released already. */
void reactor_defer_free(struct reactor *reactor, struct deferred_free *memory);

/* Likewise that of a source, which the queue does not watch any more, and which ignores events until then. */
void reactor_end_source(struct reactor *reactor, struct source *source);

#endif
