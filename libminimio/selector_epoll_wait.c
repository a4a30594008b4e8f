/* SPDX-License-Identifier: MIT */
/*
 * The wait for an epoll instance. The kernel's events are written into the caller's array, and converted in place.
 */
#include "libminimio/selector_epoll.h"

#include "libminimio/event.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The largest number of events in one wait: above the default limit of descriptors in a process. */
#define BATCH_MAX (1 << 20)

/* The largest number of full batches without a deliverable event in one wait. */
#define ROUNDS_MAX 128

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

_Static_assert(sizeof(struct epoll_event) <= sizeof(struct minimio_event), "an event of the kernel's is too large");

/* Events other than hang-ups have the same bits in the kernel and here. */
#define ORDINARY (EPOLLIN | EPOLLPRI | EPOLLOUT)
_Static_assert((int)READINESS_READABLE == EPOLLIN && (int)READINESS_PRIORITY == EPOLLPRI &&
                   (int)READINESS_WRITABLE == EPOLLOUT,
               "the bits of readiness are not the kernel's");

static int wait_ms(struct selector *selector, struct epoll_event *events, int limit, int64_t timeout_ns)
{
    int64_t timeout_ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS != 0);

    return epoll_wait(selector->epoll_fd, events, limit, timeout_ms < INT32_MAX ? (int)timeout_ms : INT32_MAX);
}

/* A weak reference: glibc has the function since 2.35, musl lacks the function. Without the function, the system
 * call is made directly. */
#if !defined(__GLIBC__) || __GLIBC__ * 100 + __GLIBC_MINOR__ < 235
int epoll_pwait2(int epoll_fd, struct epoll_event *events, int limit, const struct timespec *timeout,
                 const sigset_t *mask);
#endif
#pragma weak epoll_pwait2

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

static int fetch_events(struct selector *selector, struct minimio_event *events, int limit, int64_t timeout_ns)
{
    struct epoll_event *raw = (struct epoll_event *)(void *)events;
    int count;

    if (timeout_ns > 0)
        count = wait_ns(selector, raw, limit, timeout_ns);
    else
        count = epoll_wait(selector->epoll_fd, raw, limit, timeout_ns < 0 ? -1 : 0);
    return count < 0 ? -errno : count;
}

/* Converts one event of the kernel. False: the event has no registration, or reports nothing new. */
static inline bool convert_event(struct selector *selector, uint32_t events, uint64_t word,
                                 struct minimio_event *ret_event)
{
    uint32_t generation = (uint32_t)(word >> WORD_GENERATION_SHIFT);
    struct registration *registration = registry_find(&selector->registry, (int)(word & WORD_FD));
    uint64_t token;

    if (!registration || !registration_read(registration, generation, &token))
        return selector_find_late(selector, events, word, ret_event);
    ret_event->token = token;
    ret_event->readiness =
        events & HANG_UPS ? selector_handle_hang_up(selector, registration, events, word) : events & ORDINARY;
    if (word & WORD_ONESHOT)
        registration_set_disarmed(registration, generation);
    return true;
}

/*
 * Converts the kernel's events in place, from last to first, because struct minimio_event is larger. Dropped events
 * leave a gap at the front, which is closed. Returns the number of events left.
 */
static inline __attribute__((__always_inline__)) int convert_events(struct selector *selector,
                                                                    struct minimio_event *events, int fetched)
{
    const char *raw = (const char *)events;
    int first = fetched;

    for (int i = fetched; i-- > 0;) {
        struct epoll_event event;
        memcpy(&event, raw + (size_t)i * sizeof event, sizeof event);
        first -= convert_event(selector, event.events, event.data.u64, &events[first - 1]);
    }
    if (first > 0) {
        memmove(events, events + first, (size_t)(fetched - first) * sizeof *events);
        if (selector->needs_renewal)
            selector_renew(selector);
    }
    return fetched - first;
}

/* The index of the kernel's event with `word`, or `fetched` if absent. */
static int find_word(const char *raw, int fetched, uint64_t word)
{
    struct epoll_event event;

    for (int i = 0; i < fetched; i++) {
        memcpy(&event, raw + (size_t)i * sizeof event, sizeof event);
        if (event.data.u64 == word)
            return i;
    }
    return fetched;
}

/*
 * In a full batch the waker may occupy the slot of a pending event: fetches one event in place of the waker. If no
 * other event is pending, a level-triggered event of the same batch returns again, and is merged. Returns the new
 * number of events.
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

/* The batch was full of dropped events; deliverable events may be queued behind the batch. */
static __attribute__((__noinline__)) int wait_again(struct selector *selector, struct minimio_event *events, int limit)
{
    int fetched = limit, count = 0;

    for (int round = 0; round < ROUNDS_MAX && count == 0 && fetched == limit; round++) {
        fetched = fetch_events(selector, events, limit, 0);
        if (fetched <= 0)
            return fetched;
        count = convert_events(selector, events, fetched == limit ? replace_waker(selector, events, fetched) : fetched);
    }
    return count;
}

int selector_wait(struct selector *selector, struct minimio_event *events, size_t capacity, int64_t timeout_ns)
{
    int limit = capacity < BATCH_MAX ? (int)capacity : BATCH_MAX;
    int fetched = fetch_events(selector, events, limit, timeout_ns);
    bool was_full = fetched == limit;

    if (fetched <= 0)
        return fetched;
    if (was_full)
        fetched = replace_waker(selector, events, fetched);
    int count = convert_events(selector, events, fetched);
    return count > 0 || !was_full ? count : wait_again(selector, events, limit);
}
