/* SPDX-License-Identifier: MIT */
/*
 * The event loop: the only place where the daemon's thread waits. Dispatches readiness from libminimio's queue to
 * sources, and runs timers.
 *
 * A token is the address of a source. An event of the present turn may still name a source that has ended, so the
 * memory of a source is freed at the end of the turn; until then the source ignores events. Later turns have no event
 * of a deregistered descriptor.
 *
 * Owns the queue, the timers and the deferred memory. Calls sources, timers and libminimio. Used by one thread only.
 */
#ifndef MINIMIO_DAEMON_BASE_REACTOR_H
#define MINIMIO_DAEMON_BASE_REACTOR_H

#include "daemon/base/timer.h"
#include "libminimio/minimio.h"

#include <bsd/sys/queue.h>

/* The first member of an allocation that is freed at the end of the turn. */
struct deferred_free {
    SLIST_ENTRY(deferred_free) link;
};

/* The first member of an object that is registered with the queue. */
struct source {
    struct deferred_free memory;
    void (*ready)(struct source *source, const struct minimio_event *event);
};

struct reactor {
    struct minimio_poll *poll;
    struct minimio_registrator *registrator;
    struct timers timers;
    SLIST_HEAD(, deferred_free) deferred;
    int64_t woke_ns;     /* when the wait of the turn ended */
    int64_t gathered_ns; /* when the kernel was last polled */
    bool full;           /* the kernel may have more events than this turn has taken */
};

/* Errors: as minimio_poll_new. Call reactor_deinit also after an error. */
int reactor_init(struct reactor *reactor);
void reactor_deinit(struct reactor *reactor);

/*
 * Waits for readiness or a timer (if `busy`, only polls), then calls the ready sources and the expired timers. Errors:
 * -ECANCELED and others of minimio_poll_poll.
 */
int reactor_turn(struct reactor *reactor, bool busy);

/* Frees the memory passed to reactor_defer_free. Call when no object of the turn is in use any more. */
void reactor_free_deferred(struct reactor *reactor);

/* As minimio_registrator_register_fd, _register_socket, _reregister_fd and _deregister_fd. */
int reactor_watch(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                  enum minimio_mode mode);
int reactor_watch_socket(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                         enum minimio_mode mode);
int reactor_rewatch(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                    enum minimio_mode mode);
void reactor_unwatch(struct reactor *reactor, minimio_fd fd);

/* Frees an allocation at the end of the turn. All other resources of the object must be released already. */
void reactor_defer_free(struct reactor *reactor, struct deferred_free *memory);

/* Ends a source: the source ignores events, and is freed at the end of the turn. The descriptor must be deregistered
 * already. */
void reactor_end_source(struct reactor *reactor, struct source *source);

#endif
