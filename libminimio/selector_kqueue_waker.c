/* SPDX-License-Identifier: MIT */
/* The waker of a kqueue, with two implementations: a user event, or a pipe. Owns the pipe and the count of kicks in
 * progress. */
#include "libminimio/selector_kqueue_waker.h"

#include "libminimio/forks.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#ifdef EVFILT_USER

#define IDENT 0 /* user events have a separate space of identifiers */

static int start_waker(struct waker *waker)
{
    struct kevent change = {.ident = IDENT, .filter = EVFILT_USER, .flags = EV_ADD | EV_CLEAR};

    return kevent(waker->kqueue_fd, &change, 1, NULL, 0, NULL) < 0 ? -errno : 0;
}

/* The event was added with EV_CLEAR, which stays in effect; EV_CLEAR in this call would clear the event now. */
static void trigger_waker(struct waker *waker)
{
    struct kevent change = {.ident = IDENT, .filter = EVFILT_USER, .fflags = NOTE_TRIGGER};

    (void)kevent(waker->kqueue_fd, &change, 1, NULL, 0, NULL);
}

bool waker_consume(struct waker *waker, const struct kevent *event)
{
    (void)waker;
    return event->filter == EVFILT_USER;
}

#else

static int start_waker(struct waker *waker)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    waker->pipe_read = ends[0];
    waker->pipe_write = ends[1];
    struct kevent change = {.ident = (uintptr_t)ends[0], .filter = EVFILT_READ, .flags = EV_ADD};
    return kevent(waker->kqueue_fd, &change, 1, NULL, 0, NULL) < 0 ? -errno : 0;
}

/* A full pipe wakes as well, so a failed write is ignored. */
static void trigger_waker(struct waker *waker)
{
    ssize_t written = write(waker->pipe_write, "", 1);

    (void)written;
}

bool waker_consume(struct waker *waker, const struct kevent *event)
{
    char bytes[64];

    if (event->ident != (uintptr_t)waker->pipe_read)
        return false;
    while (read(waker->pipe_read, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        ;
    return true;
}

#endif

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int waker_init(struct waker *waker, int kqueue_fd)
{
    waker->kqueue_fd = kqueue_fd;
    waker->pipe_read = waker->pipe_write = -1;
    waker->forks = forks_count();
    int result = start_waker(waker);
    if (result < 0)
        waker_deinit(waker);
    return result;
}

void waker_deinit(struct waker *waker)
{
    atomic_store(&waker->closed, true);
    /* A kick is one call that does not block; the sleep lets a thread of any priority finish the call. In a forked
     * child the count of kicks is meaningless. */
    while (waker->forks == forks_count() && atomic_load(&waker->kicks) > 0)
        nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
    close_fd(&waker->pipe_read);
    close_fd(&waker->pipe_write);
}

void waker_kick(struct waker *waker)
{
    int saved_errno = errno;

    /* A forked child has no kqueue under this number, and shares the pipe with the parent. */
    if (waker->forks == forks_count()) {
        atomic_fetch_add(&waker->kicks, 1);
        if (!atomic_load(&waker->closed))
            trigger_waker(waker);
        atomic_fetch_sub(&waker->kicks, 1);
    }
    errno = saved_errno;
}
