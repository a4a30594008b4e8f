/* SPDX-License-Identifier: MIT */
#include "daemon/base/reactor.h"

#include <errno.h>
#include <stdlib.h>

/* Enough to take a burst in few calls, small enough for the stack. */
#define EVENTS_AT_ONCE 256

/* Time limit for gathering further events in one turn, before requests are dispatched. */
#define GATHER_NS (NS_PER_MS / 2)

/* With at most this many events, reading the clock again costs more than it is worth. */
#define FEW_EVENTS 16

/* Time limit for running expired timers in one turn. */
#define TIMERS_NS (NS_PER_MS / 2)

int reactor_init(struct reactor *reactor)
{
    int result;

    *reactor = (struct reactor){0};
    SLIST_INIT(&reactor->deferred);
    timers_init(&reactor->timers);
    result = minimio_poll_new(&reactor->poll);
    if (result < 0)
        return result;
    reactor->registrator = minimio_poll_registrator(reactor->poll);
    return reactor->registrator ? 0 : -ENOMEM;
}

void reactor_deinit(struct reactor *reactor)
{
    reactor_free_deferred(reactor);
    reactor->registrator = minimio_registrator_free(reactor->registrator);
    reactor->poll = minimio_poll_free(reactor->poll);
}

/* Waits and calls the ready sources. Returns their number, or an error of minimio_poll_poll. */
static int reactor_gather(struct reactor *reactor, int64_t timeout_ns)
{
    struct minimio_event events[EVENTS_AT_ONCE];
    int count = minimio_poll_poll(reactor->poll, events, EVENTS_AT_ONCE, timeout_ns);

    timers_read_clock(&reactor->timers);
    reactor->gathered_ns = reactor->timers.now_ns;
    for (int i = 0; i < count; i++) {
        struct source *source = (struct source *)(uintptr_t)minimio_event_id(&events[i]);
        source->ready(source, &events[i]);
    }
    return count;
}

int reactor_turn(struct reactor *reactor, bool busy)
{
    int64_t timeout_ns = busy ? 0 : timers_remaining_ns(&reactor->timers);
    int count = reactor_gather(reactor, timeout_ns);

    reactor->woke_ns = reactor->gathered_ns;
    while (count == EVENTS_AT_ONCE && reactor->gathered_ns - reactor->woke_ns < GATHER_NS)
        count = reactor_gather(reactor, 0);
    if (count < 0)
        return count;
    reactor->full = count == EVENTS_AT_ONCE;
    if (timers_run(&reactor->timers, TIMERS_NS) || count > FEW_EVENTS)
        timers_read_clock(&reactor->timers);
    return 0;
}

void reactor_free_deferred(struct reactor *reactor)
{
    struct deferred_free *memory;

    while ((memory = SLIST_FIRST(&reactor->deferred))) {
        SLIST_REMOVE_HEAD(&reactor->deferred, link);
        free(memory);
    }
}

int reactor_watch(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                  enum minimio_mode mode)
{
    return minimio_registrator_register_fd(reactor->registrator, fd, (uintptr_t)source, interests, mode);
}

int reactor_watch_socket(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                         enum minimio_mode mode)
{
    return minimio_registrator_register_socket(reactor->registrator, fd, (uintptr_t)source, interests, mode);
}

int reactor_rewatch(struct reactor *reactor, minimio_fd fd, struct source *source, minimio_interests interests,
                    enum minimio_mode mode)
{
    return minimio_registrator_reregister_fd(reactor->registrator, fd, (uintptr_t)source, interests, mode);
}

void reactor_unwatch(struct reactor *reactor, minimio_fd fd)
{
    minimio_registrator_deregister_fd(reactor->registrator, fd);
}

static void reactor_ignore_event(struct source *source, const struct minimio_event *event)
{
    (void)source;
    (void)event;
}

void reactor_defer_free(struct reactor *reactor, struct deferred_free *memory)
{
    SLIST_INSERT_HEAD(&reactor->deferred, memory, link);
}

void reactor_end_source(struct reactor *reactor, struct source *source)
{
    source->ready = reactor_ignore_event;
    reactor_defer_free(reactor, &source->memory);
}
