/* SPDX-License-Identifier: MIT */
/*
 * The selector on Linux: an epoll instance, a registry, and an eventfd to interrupt the wait.
 *
 * What is registered is for the kernel to say. The registry only tells which token an event belongs to, and is
 * written after epoll_ctl succeeded: a call that fails changes nothing anywhere. An event can therefore come with a
 * generation that is not published yet; the polling thread then waits for the writer's lock and looks again.
 *
 * The eventfd is edge-triggered and never read: each write to it is an edge.
 */
#include "libminimio/selector.h"

#include "libminimio/event.h"
#include "libminimio/forks.h"
#include "libminimio/registry.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* As many events as one wait gives at most: more than descriptors that a process may have, by the kernel's default. */
#define BATCH_MAX (1 << 20)

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

/* In epoll_data: the generation above, the descriptor below, and between them whether it is something else than a
 * socket. No descriptor is INT_MAX, so no registration's word is the waker's. */
#define WORD_GENERATION_SHIFT 32
#define WORD_NO_SOCKET        (UINT64_C(1) << 31)
#define WORD_FD               (WORD_NO_SOCKET - 1)
#define WORD_WAKER            UINT64_MAX

struct selector {
    int epoll_fd; /* -1: closed */
    int waker_fd;
    unsigned forks; /* forks_count() of the process that made it */
    bool coarse;    /* there is no epoll_pwait2 here; the polling thread's alone */
    pthread_mutex_t lock;
    struct registry registry;
};

/* The kernel's events are fetched into the caller's array and converted in place, which they must fit into. */
_Static_assert(sizeof(struct epoll_event) <= sizeof(struct minimio_event), "an event of the kernel's is too large");

int64_t monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

const char *minimio_backend(void)
{
    return "epoll";
}

/* ---- Birth and death -------------------------------------------------------------------------------------------- */

int selector_new(struct selector **ret_selector)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WORD_WAKER};
    struct selector *selector = calloc(1, sizeof(*selector));
    int r = 0;

    if (!selector)
        return -ENOMEM;
    selector->epoll_fd = selector->waker_fd = -1;
    selector->forks = forks_count();
    pthread_mutex_init(&selector->lock, NULL);
    r = forks_watch();
    if (r < 0)
        goto out;
    selector->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (selector->epoll_fd < 0) {
        r = -errno;
        goto out;
    }
    selector->waker_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (selector->waker_fd < 0 || epoll_ctl(selector->epoll_fd, EPOLL_CTL_ADD, selector->waker_fd, &event) < 0) {
        r = -errno;
        goto out;
    }
    *ret_selector = selector;
    selector = NULL;
out:
    if (selector) {
        selector_close(selector);
        selector_close_waker(selector);
        selector_free(selector);
    }
    return r;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void selector_close(struct selector *selector)
{
    close_fd(&selector->epoll_fd);
    registry_deinit(&selector->registry);
}

void selector_close_waker(struct selector *selector)
{
    close_fd(&selector->waker_fd);
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

minimio_fd selector_fd(const struct selector *selector)
{
    return selector->epoll_fd;
}

/* ---- What is watched -------------------------------------------------------------------------------------------- */

static uint32_t epoll_events(minimio_interests interests, enum minimio_mode mode)
{
    /* Without EPOLLRDHUP a peer's end could not be told from data, and a writer would not hear of it at all. */
    uint32_t events = EPOLLRDHUP;

    if (interests & MINIMIO_READABLE)
        events |= EPOLLIN;
    if (interests & MINIMIO_WRITABLE)
        events |= EPOLLOUT;
    if (interests & MINIMIO_PRIORITY)
        events |= EPOLLPRI;
    if (mode == MINIMIO_ONESHOT)
        events |= EPOLLONESHOT;
    else if (mode == MINIMIO_EDGE)
        events |= EPOLLET;
    return events;
}

/* Tells the kernel, and when it agrees, the polling thread. Inline for the reason given in queue.c. */
static inline int set(struct selector *selector, int operation, int fd, struct registration *registration,
                      bool is_socket, minimio_token token, uint32_t events)
{
    uint32_t generation = registration_next_generation(registration);
    struct epoll_event event = {.events = events};

    event.data.u64 = (uint64_t)generation << WORD_GENERATION_SHIFT | (is_socket ? 0 : WORD_NO_SOCKET) | (uint64_t)fd;
    if (epoll_ctl(selector->epoll_fd, operation, fd, &event) < 0)
        return -errno;
    registration->is_socket = is_socket;
    registration_publish(registration, generation, token);
    return 0;
}

int selector_add(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                 enum minimio_mode mode)
{
    struct registration *registration;
    int type;
    socklen_t length = sizeof(type);
    bool is_socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;

    /* Before any room is made, for there is no limit to the numbers of descriptors that are not open. */
    if (!is_socket && errno == EBADF)
        return -EBADF;
    int r = registry_reserve(&selector->registry, fd, &registration);
    if (r < 0)
        return r;
    return set(selector, EPOLL_CTL_ADD, fd, registration, is_socket, token, epoll_events(interests, mode));
}

int selector_add_socket(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                        enum minimio_mode mode)
{
    struct registration *registration = fd < 0 ? NULL : registry_find(&selector->registry, fd);

    /* Room is made for what is known to be open alone. */
    if (!registration)
        return selector_add(selector, fd, token, interests, mode);
    return set(selector, EPOLL_CTL_ADD, fd, registration, true, token, epoll_events(interests, mode));
}

/* Why the kernel has no registration of `fd`, in the order of the contract's checks. */
static int why_absent(struct selector *selector, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events};

    if (fd == selector->waker_fd)
        return -ENOENT;
    return epoll_ctl(selector->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 ? -errno : -ENOENT;
}

int selector_modify(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                    enum minimio_mode mode)
{
    struct registration *registration = fd < 0 ? NULL : registry_find(&selector->registry, fd);
    uint32_t events = epoll_events(interests, mode);

    if (!registration || fd == selector->waker_fd)
        return why_absent(selector, fd, events);
    return set(selector, EPOLL_CTL_MOD, fd, registration, registration->is_socket, token, events);
}

int selector_remove(struct selector *selector, minimio_fd fd)
{
    struct registration *registration = fd < 0 ? NULL : registry_find(&selector->registry, fd);
    int r = 0;

    if (fd == selector->waker_fd)
        return -ENOENT;
    if (epoll_ctl(selector->epoll_fd, EPOLL_CTL_DEL, fd, NULL) < 0)
        r = -errno;
    /* A closed descriptor whose file lives on in a duplicate: its events go on coming, and go on naming its token. */
    if (r == -EBADF)
        return r;
    if (registration)
        registration_withdraw(registration);
    /* The kernel's EPERM is a file's, its EINVAL the instance's own: neither can have been registered. */
    return r == -EPERM || r == -EINVAL ? -ENOENT : r;
}

/* ---- The wait --------------------------------------------------------------------------------------------------- */

static int wait_ms(struct selector *selector, struct epoll_event *events, int limit, int64_t timeout_ns)
{
    int64_t timeout_ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS != 0);

    return epoll_wait(selector->epoll_fd, events, limit, timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX);
}

/* A weak reference: glibc has the function since 2.35, musl has none. Without it the kernel is asked directly. */
int epoll_pwait2(int epoll_fd, struct epoll_event *events, int limit, const struct timespec *timeout,
                 const sigset_t *mask) __attribute__((weak));

static int pwait2(int epoll_fd, struct epoll_event *events, int limit, int64_t timeout_ns)
{
    if (epoll_pwait2) {
        struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S), .tv_nsec = (long)(timeout_ns % NS_PER_S)};

        return epoll_pwait2(epoll_fd, events, limit, &timeout, NULL);
    }
#ifdef SYS_epoll_pwait2
    int64_t timeout[2] = {timeout_ns / NS_PER_S, timeout_ns % NS_PER_S}; /* struct __kernel_timespec */

    return (int)syscall(SYS_epoll_pwait2, epoll_fd, events, limit, timeout, NULL, 0);
#else
    errno = ENOSYS;
    return -1;
#endif
}

static int wait_ns(struct selector *selector, struct epoll_event *events, int limit, int64_t timeout_ns)
{
    if (!selector->coarse) {
        int count = pwait2(selector->epoll_fd, events, limit, timeout_ns);
        /* ENOSYS: a kernel before 5.11, or valgrind. EPERM: a sandbox that does not know the call. */
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return count;
        selector->coarse = true;
    }
    return wait_ms(selector, events, limit, timeout_ns);
}

static int fetch(struct selector *selector, struct minimio_event *events, int limit, int64_t timeout_ns)
{
    struct epoll_event *raw = (struct epoll_event *)(void *)events;
    int count;

    if (timeout_ns > 0)
        count = wait_ns(selector, raw, limit, timeout_ns);
    else
        count = epoll_wait(selector->epoll_fd, raw, limit, timeout_ns < 0 ? -1 : 0);
    return count < 0 ? -errno : count;
}

/* Whose event it is; false: nobody's. */
static bool find_token(struct selector *selector, uint64_t word, uint64_t *ret_token)
{
    uint32_t generation = (uint32_t)(word >> WORD_GENERATION_SHIFT);
    struct registration *registration;

    if (word == WORD_WAKER)
        return false;
    registration = registry_find(&selector->registry, (int)(word & WORD_FD));
    if (!registration)
        return false;
    if (registration_read(registration, generation, ret_token))
        return true;
    /* Either an event of an earlier registration, or of one that is between epoll_ctl and publishing. */
    pthread_mutex_lock(&selector->lock);
    bool found = registration_read(registration, generation, ret_token);
    pthread_mutex_unlock(&selector->lock);
    return found;
}

/*
 * A socket has EPOLLRDHUP once nothing more can be read, and EPOLLHUP beside it once nothing more can be sent either.
 * EPOLLHUP alone is a socket that was never connected, and may yet be: nothing is closed, though a read answers.
 */
static uint32_t closed_socket(uint32_t events)
{
    if (events & EPOLLRDHUP)
        return READINESS_READ_CLOSED | (events & EPOLLHUP ? READINESS_WRITE_CLOSED : 0);
    if ((events & EPOLLHUP) && (events & EPOLLERR))
        return READINESS_READ_CLOSED | READINESS_WRITE_CLOSED;
    return (events & (EPOLLHUP | EPOLLIN | EPOLLOUT)) == EPOLLHUP ? READINESS_READABLE : 0;
}

/* A pipe or a terminal: EPOLLHUP, the writers are gone; EPOLLERR, the readers. Either call then answers at once. */
static uint32_t closed_other(uint32_t events)
{
    return (events & (EPOLLHUP | EPOLLRDHUP) ? READINESS_READ_CLOSED | READINESS_READABLE : 0) |
           (events & EPOLLERR ? READINESS_WRITE_CLOSED | READINESS_WRITABLE : 0);
}

static uint32_t readiness(uint32_t events, bool is_socket)
{
    uint32_t bits = (events & EPOLLIN ? READINESS_READABLE : 0) | (events & EPOLLPRI ? READINESS_PRIORITY : 0) |
                    (events & EPOLLOUT ? READINESS_WRITABLE : 0) | (events & EPOLLERR ? READINESS_ERROR : 0);

    if (events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR))
        bits |= is_socket ? closed_socket(events) : closed_other(events);
    return bits;
}

/*
 * Converts the kernel's events in place, from the last to the first, since ours are the larger ones; what is nobody's
 * leaves a gap at the front. Returns how many are left.
 */
static int convert(struct selector *selector, struct minimio_event *events, int fetched)
{
    const char *raw = (const char *)events;
    int first = fetched;

    for (int i = fetched; i-- > 0;) {
        struct epoll_event event;
        uint64_t token;
        memcpy(&event, raw + (size_t)i * sizeof(event), sizeof(event));
        if (!find_token(selector, event.data.u64, &token))
            continue;
        first--;
        events[first].token = token;
        events[first].readiness = readiness(event.events, !(event.data.u64 & WORD_NO_SOCKET));
    }
    if (first > 0)
        memmove(events, events + first, (size_t)(fetched - first) * sizeof(*events));
    return fetched - first;
}

/* Where among the kernel's events that word stands; `fetched`: nowhere. */
static int find_word(const char *raw, int fetched, uint64_t word)
{
    struct epoll_event event;

    for (int i = 0; i < fetched; i++) {
        memcpy(&event, raw + (size_t)i * sizeof(event), sizeof(event));
        if (event.data.u64 == word)
            return i;
    }
    return fetched;
}

/*
 * In a full batch the waker may have the slot of an event that waits for it: fetches that one. A level-triggered one
 * of this very batch comes again when no other waits, and is merged. Returns how many events there are now.
 */
static int replace_waker(struct selector *selector, struct minimio_event *events, int fetched)
{
    const size_t size = sizeof(struct epoll_event);
    char *raw = (char *)events;
    struct epoll_event event, same;
    int last = fetched - 1;
    int place = find_word(raw, fetched, WORD_WAKER);

    if (place == fetched)
        return fetched;
    memmove(raw + (size_t)place * size, raw + (size_t)(place + 1) * size, (size_t)(last - place) * size);
    if (epoll_wait(selector->epoll_fd, &event, 1, 0) <= 0)
        return last;
    place = find_word(raw, last, event.data.u64);
    if (place == last) {
        memcpy(raw + (size_t)last * size, &event, size);
        return fetched;
    }
    memcpy(&same, raw + (size_t)place * size, size);
    same.events |= event.events;
    memcpy(raw + (size_t)place * size, &same, size);
    return last;
}

int selector_wait(struct selector *selector, struct minimio_event *events, size_t capacity, int64_t timeout_ns)
{
    int limit = capacity < BATCH_MAX ? (int)capacity : BATCH_MAX;
    bool is_second = false;

    for (;;) {
        int fetched = fetch(selector, events, limit, is_second ? 0 : timeout_ns);
        bool was_full = fetched == limit;
        if (fetched <= 0)
            return fetched;
        if (was_full)
            fetched = replace_waker(selector, events, fetched);
        int count = convert(selector, events, fetched);
        if (count > 0 || !was_full || is_second)
            return count;
        /* Events of earlier registrations filled the batch, and others may wait behind them. */
        is_second = true;
    }
}

void selector_kick(struct selector *selector)
{
    static const uint64_t one = 1;
    int saved_errno = errno;

    /* It could fail only when the counter is full, after 2^64 kicks. */
    ssize_t written = write(selector->waker_fd, &one, sizeof(one));
    (void)written;
    errno = saved_errno;
}
