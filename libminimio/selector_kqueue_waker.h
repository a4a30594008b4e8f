/* SPDX-License-Identifier: MIT */
/*
 * Interrupts a wait for a kqueue: by a user event, or on platforms without user events, by a pipe that the kqueue
 * watches.
 *
 * A kick may run in a signal handler, and while another thread closes the kqueue, so a kick takes no lock. Kicks in
 * progress are counted, and waker_deinit waits until the count is zero.
 */
#ifndef MINIMIO_SELECTOR_KQUEUE_WAKER_H
#define MINIMIO_SELECTOR_KQUEUE_WAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include <sys/event.h>

struct waker {
    int kqueue_fd;
    int pipe_read, pipe_write; /* -1: none */
    unsigned forks;            /* forks_count() of the process that made the waker */
    atomic_bool closed;
    atomic_int kicks; /* in progress */
};

/* Makes the waker of `kqueue_fd`, which stays owned by the caller. Call after forks_watch. Errors: -ENOMEM, -EMFILE,
 * -ENFILE. */
int waker_init(struct waker *waker, int kqueue_fd);

/* On return no kick uses the kqueue, now or later. The kqueue must still be open. */
void waker_deinit(struct waker *waker);

/* Callable from any thread and from signal handlers; preserves errno. */
void waker_kick(struct waker *waker);

/* Is this event the waker's? If so, consumes the event. */
bool waker_consume(struct waker *waker, const struct kevent *event);

/* Is `fd` the descriptor of the waker that the kqueue watches? */
static inline bool waker_owns(const struct waker *waker, int fd)
{
    return fd >= 0 && fd == waker->pipe_read;
}

#endif
