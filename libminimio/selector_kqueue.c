/* SPDX-License-Identifier: MIT */
/*
 * The selector on macOS, FreeBSD, OpenBSD and NetBSD: owns a kqueue, a registry, and a waker. This file creates and
 * destroys selectors, and waits.
 *
 * struct kevent is larger than struct minimio_event, and a descriptor can have two or three kernel events. The kernel's
 * events are therefore fetched in batches on the stack, until the caller's array is full or no event is left.
 */
#include "libminimio/selector_kqueue.h"

#include "libminimio/event.h"
#include "libminimio/forks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

/* Longest single wait in seconds: some kernels refuse a timeout of more than a few years. */
#define WAIT_MAX_S INT64_C(86400)

#define BATCH 256

#define WORD_OF(event) ((uint32_t)(uintptr_t)(event)->udata)

int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

const char *minimio_backend(void)
{
    return "kqueue";
}

/* ---- Creation and destruction ----------------------------------------------------------------------------------- */

static int open_kqueue(int *ret_fd)
{
    *ret_fd = kqueue();
    /* A fork and exec between kqueue and fcntl does no harm: a kqueue is not inherited. */
    return *ret_fd < 0 || fcntl(*ret_fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int selector_new(struct selector **ret_selector)
{
    struct selector *selector = calloc(1, sizeof *selector);

    if (!selector)
        return -ENOMEM;
    selector->kqueue_fd = -1;
    selector->forks = forks_count();
    selector->registry.extra_size = sizeof(struct watch);
    pthread_mutex_init(&selector->lock, NULL);
    int result = forks_watch();
    if (result == 0)
        result = open_kqueue(&selector->kqueue_fd);
    if (result == 0)
        result = waker_init(&selector->waker, selector->kqueue_fd);
    if (result < 0) {
        if (selector->kqueue_fd >= 0)
            close(selector->kqueue_fd);
        selector_free(selector);
        return result;
    }
    *ret_selector = selector;
    return 0;
}

/* A forked child inherits no kqueue; the number is free or belongs to another file, so the child does not close the
 * number. */
void selector_close(struct selector *selector)
{
    waker_deinit(&selector->waker);
    if (selector->forks == forks_count())
        close(selector->kqueue_fd);
    selector->kqueue_fd = -1;
    registry_deinit(&selector->registry);
}

/* Nothing is left to close: selector_close has waited for the kicks in progress. */
void selector_close_waker(struct selector *selector)
{
    (void)selector;
}

struct selector *selector_free(struct selector *selector)
{
    if (!selector)
        return NULL;
    if (selector->forks == forks_count())
        pthread_mutex_destroy(&selector->lock);
    free(selector);
    return NULL;
}

bool selector_lock(struct selector *selector)
{
    if (selector->forks != forks_count())
        return false;
    pthread_mutex_lock(&selector->lock);
    return true;
}

void selector_unlock(struct selector *selector)
{
    pthread_mutex_unlock(&selector->lock);
}

int selector_fd(struct selector *selector)
{
    return selector->kqueue_fd;
}

bool selector_owns(const struct selector *selector, minimio_fd fd)
{
    return fd >= 0 && fd == selector->kqueue_fd;
}

void selector_kick(struct selector *selector)
{
    waker_kick(&selector->waker);
}

/* ---- The wait --------------------------------------------------------------------------------------------------- */

static int fetch_events(struct selector *selector, struct kevent *events, int limit, int64_t timeout_ns)
{
    struct timespec timeout = {
        .tv_sec = (time_t)(timeout_ns / NS_PER_S),
        .tv_nsec = (long)(timeout_ns % NS_PER_S),
    };

    if (timeout_ns >= WAIT_MAX_S * NS_PER_S)
        timeout = (struct timespec){.tv_sec = WAIT_MAX_S};
    int count = kevent(selector->kqueue_fd, NULL, 0, events, limit, timeout_ns < 0 ? NULL : &timeout);
    return count < 0 ? -errno : count;
}

/* Finds the token of an event. False: the event has no registration. */
static bool find_token(struct selector *selector, int fd, uint32_t generation, uint64_t *ret_token)
{
    struct registration *registration = registry_find(&selector->registry, fd);

    if (!registration)
        return false;
    if (registration_read(registration, generation, ret_token))
        return true;
    /* Either the registration has ended, or a writer is between kevent and publishing. */
    pthread_mutex_lock(&selector->lock);
    bool found = registration_read(registration, generation, ret_token);
    pthread_mutex_unlock(&selector->lock);
    return found;
}

/* A filter reports the end of its own direction. An error of a socket ends both directions. */
static uint32_t closed_flags(const struct kevent *event, bool is_socket)
{
    uint32_t bits = event->filter == EVFILT_WRITE ? READINESS_WRITE_CLOSED : READINESS_READ_CLOSED;

    if (is_socket && event->fflags != 0)
        bits |= READINESS_READ_CLOSED | READINESS_WRITE_CLOSED;
    /* A pipe without readers: writing fails. */
    if (!is_socket && event->filter == EVFILT_WRITE)
        bits |= READINESS_ERROR;
    return bits;
}

static uint32_t readiness_of(const struct kevent *event, bool is_socket)
{
    uint32_t bits;

#ifdef NOTE_OOB
    if (event->filter == EVFILT_EXCEPT)
        return (event->fflags & NOTE_OOB ? READINESS_PRIORITY : 0) |
               (event->flags & EV_EOF ? READINESS_READ_CLOSED : 0);
#endif
    bits = event->filter == EVFILT_WRITE ? READINESS_WRITABLE : READINESS_READABLE;
    if (is_socket && event->fflags != 0)
        bits |= READINESS_ERROR;
    if (event->flags & EV_EOF)
        bits |= closed_flags(event, is_socket);
    return bits;
}

/* Has the stream ended without pending priority data? No priority data can follow. */
static bool is_end_of_priority(const struct kevent *event)
{
#ifdef NOTE_OOB
    return event->filter == EVFILT_EXCEPT && (event->flags & EV_EOF) && !(event->fflags & NOTE_OOB);
#else
    (void)event;
    return false;
#endif
}

/*
 * Converts one event of the kernel. Events of one descriptor are merged into one event of the `*count` events. False:
 * the event added nothing.
 */
static bool convert_event(struct selector *selector, const struct kevent *event, struct minimio_event *events,
                          int *count)
{
    uint32_t word = WORD_OF(event);
    int fd = (int)event->ident;
    uint64_t token;

    if (waker_consume(&selector->waker, event) || !find_token(selector, fd, GENERATION(word), &token))
        return false;
    struct watch *watch = registry_extra(&selector->registry, fd);
    uint32_t bits = readiness_of(event, !(word & WORD_NO_SOCKET));
    if (is_end_of_priority(event))
        selector_silence_priority(selector, fd, word);
    if (watch->wait == selector->wait && events[watch->place].token == token) {
        bool is_new = (bits & ~events[watch->place].readiness) != 0;
        events[watch->place].readiness |= bits;
        return is_new;
    }
    watch->wait = selector->wait;
    watch->place = (uint32_t)*count;
    events[(*count)++] = (struct minimio_event){.token = token, .readiness = bits};
    if (word & WORD_DISARM)
        selector_disarm(selector, fd, word);
    return true;
}

/*
 * After a full batch fetches another batch, because the waker's event, merged events, and events of earlier
 * registrations may have left room. The kernel appends an event that stays ready to the end of the queue, so pending
 * events come first.
 */
int selector_wait(struct selector *selector, struct minimio_event *events, size_t capacity, int64_t timeout_ns)
{
    struct kevent batch[BATCH];
    int room = capacity < INT_MAX ? (int)capacity : INT_MAX;
    int count = 0;

    selector->wait++;
    for (int round = 0;; round++) {
        bool is_new = false;
        int limit = room - count < BATCH ? room - count : BATCH;
        int fetched = fetch_events(selector, batch, limit, round == 0 ? timeout_ns : 0);
        if (fetched < 0)
            return count > 0 ? count : fetched;
        for (int i = 0; i < fetched; i++)
            is_new |= convert_event(selector, &batch[i], events, &count);
        if (fetched < limit || count == room || (!is_new && round > 0))
            return count;
    }
}
