/* SPDX-License-Identifier: MIT */
/*
 * The selector on Linux: owns the epoll instance, the registry, and the eventfd that interrupts the wait. This file
 * creates and destroys selectors, and changes the set of watched descriptors.
 *
 * The eventfd is edge-triggered and never read: each write to the eventfd produces an edge.
 */
#include "libminimio/selector_epoll.h"

#include "libminimio/forks.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

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

/* ---- Creation and destruction ----------------------------------------------------------------------------------- */

int selector_new(struct selector **ret_selector)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WORD_WAKER};
    struct selector *selector = calloc(1, sizeof *selector);
    int result = 0;

    if (!selector)
        return -ENOMEM;
    selector->epoll_fd = selector->nesting_fd = selector->waker_fd = -1;
    selector->forks = forks_count();
    pthread_mutex_init(&selector->lock, NULL);
    result = forks_watch();
    if (result < 0)
        goto out;
    selector->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (selector->epoll_fd < 0) {
        result = -errno;
        goto out;
    }
    selector->waker_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (selector->waker_fd < 0 || epoll_ctl(selector->epoll_fd, EPOLL_CTL_ADD, selector->waker_fd, &event) < 0) {
        result = -errno;
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
    return result;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void selector_close(struct selector *selector)
{
    close_fd(&selector->nesting_fd);
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

bool selector_owns(const struct selector *selector, minimio_fd fd)
{
    return fd >= 0 && (fd == selector->epoll_fd || fd == selector->nesting_fd);
}

/* Returns a descriptor other than epoll_fd, because selector_renew may replace epoll_fd. */
int selector_fd(struct selector *selector)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (selector->nesting_fd >= 0)
        return selector->nesting_fd;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (epoll_ctl(fd, EPOLL_CTL_ADD, selector->epoll_fd, &event) < 0) {
        int result = -errno;
        close(fd);
        return result;
    }
    return selector->nesting_fd = fd;
}

/* ---- The watched descriptors ------------------------------------------------------------------------------------ */

void selector_withdraw(struct selector *selector, struct registration *registration)
{
    if (!registration_stands(registration))
        return;
    if (selector->count > 0)
        selector->count--;
    registration_withdraw(registration);
}

/* Publishes to the polling thread a registration that the kernel has accepted. */
static inline void publish_registration(struct registration *registration, uint32_t generation, minimio_token token,
                                        uint8_t watched)
{
    if ((generation & DISARMED_EPOCH) == 1)
        registration_set_disarmed(registration, ~generation);
    atomic_store_explicit(&registration->watched, watched, memory_order_relaxed);
    registration->delivered = 0;
    registration_publish(registration, generation, token);
}

/* The errno of a failed epoll_ctl, or -EINVAL for the queue's own descriptors, which the kernel reports as a loop or
 * as unknown. */
static int epoll_error(const struct selector *selector, int fd)
{
    return selector_owns(selector, fd) ? -EINVAL : -errno;
}

/* Inline, as the callers are, for the reason given in queue.c. */
static inline int control_epoll(struct selector *selector, int operation, int fd, uint32_t generation, uint8_t watched)
{
    struct epoll_event event = {.events = watched_events(watched)};

    event.data.u64 = word_of(fd, generation, watched);
    return epoll_ctl(selector->epoll_fd, operation, fd, &event) < 0 ? epoll_error(selector, fd) : 0;
}

/* The next generation of the entry; `registration` may be NULL. */
static inline uint32_t next_generation(const struct registration *registration)
{
    return registration ? registration_next_generation(registration) : 1;
}

static inline struct registration *find_registration(struct selector *selector, int fd)
{
    return fd < 0 || (uint64_t)fd >= WORD_FD ? NULL : registry_find(&selector->registry, fd);
}

/*
 * Reserves the registry entry after the kernel has accepted `fd`, because the number of a descriptor that is not open
 * has no limit.
 */
static inline int add_registration(struct selector *selector, int fd, minimio_token token, uint8_t watched)
{
    struct registration *registration = find_registration(selector, fd);
    uint32_t generation = next_generation(registration);
    int result = control_epoll(selector, EPOLL_CTL_ADD, fd, generation, watched);

    if (result < 0)
        return result;
    if (!registration)
        result = (uint64_t)fd < WORD_FD ? registry_reserve(&selector->registry, fd, &registration) : -ENOMEM;
    if (result < 0) {
        epoll_ctl(selector->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return result;
    }
    selector->count += !registration_stands(registration);
    publish_registration(registration, generation, token, watched);
    return 0;
}

int selector_add(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                 enum minimio_mode mode)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    unsigned kind = S_ISSOCK(status.st_mode) ? 0 : WATCHED_NO_SOCKET | (S_ISFIFO(status.st_mode) ? WATCHED_PIPE : 0);
    return add_registration(selector, fd, token, watched_of(interests, mode, kind));
}

int selector_add_socket(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                        enum minimio_mode mode)
{
    return add_registration(selector, fd, token, watched_of(interests, mode, 0));
}

/* The error for an `fd` without a registration, with the checks in the order of the contract. */
static int absent_error(struct selector *selector, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (fd == selector->waker_fd)
        return -ENOENT;
    return epoll_ctl(selector->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0 ? epoll_error(selector, fd) : -ENOENT;
}

int selector_modify(struct selector *selector, minimio_fd fd, minimio_token token, minimio_interests interests,
                    enum minimio_mode mode)
{
    struct registration *registration = find_registration(selector, fd);

    if (!registration || fd == selector->waker_fd)
        return absent_error(selector, fd);
    uint32_t generation = next_generation(registration);
    uint8_t before = atomic_load_explicit(&registration->watched, memory_order_relaxed);
    uint8_t watched = watched_of(interests, mode, before & WATCHED_KIND);
    int result = control_epoll(selector, EPOLL_CTL_MOD, fd, generation, watched);
    if (result == 0)
        publish_registration(registration, generation, token, watched);
    return result;
}

int selector_remove(struct selector *selector, minimio_fd fd)
{
    struct registration *registration = find_registration(selector, fd);
    int result = 0;

    if (fd == selector->waker_fd)
        return -ENOENT;
    if (epoll_ctl(selector->epoll_fd, EPOLL_CTL_DEL, fd, NULL) < 0)
        result = -errno;
    /* Also when the kernel has no registration: the registration may belong to a closed descriptor whose file lives
     * on in a duplicate and still has events. The events are dropped from now on. */
    if (registration)
        selector_withdraw(selector, registration);
    /* EPERM refers to the file and EINVAL to the instance: neither descriptor can have been registered. */
    return result == -EPERM || result == -EINVAL ? -ENOENT : result;
}

void selector_kick(struct selector *selector)
{
    static const uint64_t one = 1;
    int saved_errno = errno;

    /* The write fails only if the counter is full, after 2^64 kicks. */
    ssize_t written = write(selector->waker_fd, &one, sizeof one);
    (void)written;
    errno = saved_errno;
}
