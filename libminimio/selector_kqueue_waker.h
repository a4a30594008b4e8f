/* SPDX-License-Identifier: MIT */
/*
 * What interrupts a wait for a kqueue: a user event, or where the platform has none, a pipe that the kqueue watches.
 *
 * A kick may come from a signal handler and while another thread closes the kqueue, so it takes no lock: it is counted
 * while it is under way, and the closing waits for those.
 */
#ifndef MINIMIO_SELECTOR_KQUEUE_WAKER_H
#define MINIMIO_SELECTOR_KQUEUE_WAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include <sys/event.h>

struct waker {
    int kqueue_fd;
    int pipe_read, pipe_write; /* -1: there are none */
    unsigned forks;            /* forks_count() of the process that made it */
    atomic_bool closed;
    atomic_int kicks; /* under way */
};

/* Makes the waker of that kqueue, which it does not own; after forks_watch. Errors: -ENOMEM, -EMFILE, -ENFILE. */
int waker_init(struct waker *waker, int kqueue_fd);

/* When it returns, no kick uses the kqueue any more and none will. The kqueue is still open. */
void waker_deinit(struct waker *waker);

/* Any thread, signal handlers too; keeps errno. */
void waker_kick(struct waker *waker);

/* Is this event the waker's own? It is spent thereby. */
bool waker_takes(struct waker *waker, const struct kevent *event);

/* Is `fd` a descriptor of the waker's that the kqueue watches? */
static inline bool waker_is_watched_by(const struct waker *waker, int fd)
{
    return fd >= 0 && fd == waker->pipe_read;
}

#endif
