/* SPDX-License-Identifier: MIT */
/*
 * Replaces an epoll instance by a new instance with the same registrations.
 *
 * A descriptor that is closed while a duplicate lives on, for example in a forked child, stays registered in the
 * kernel, and still causes events. Once the number is free or belongs to another file, no call can remove the
 * registration. The events have no registration in the registry, and under LEVEL the events never end. The only remedy
 * is a new instance.
 *
 * A replacement costs two system calls for each registration. A replacement happens only after as many stray events as
 * there are registrations, so the replacements cost no more than the stray events did, however many descriptors are
 * closed in this way. An event that a change by another thread has overtaken counts as stray too, which does no harm.
 */
#include "libminimio/selector_epoll.h"

#include <errno.h>
#include <unistd.h>

/* Is `fd` still the file that was registered under this number? */
static bool is_registered(struct selector *selector, int fd)
{
    struct epoll_event event = {0};

    if (epoll_ctl(selector->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        return errno == EEXIST;
    epoll_ctl(selector->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    return false;
}

static int add_to_instance(int epoll_fd, int fd, uint32_t events, uint64_t word)
{
    struct epoll_event event = {.events = events, .data.u64 = word};

    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* Copies the registration of one entry to the new instance. A disarmed oneshot stays disarmed, and a muted
 * registration stays muted. */
static int copy_registration(struct selector *selector, int epoll_fd, int fd, struct registration *registration)
{
    uint32_t generation = atomic_load_explicit(&registration->generation, memory_order_relaxed);
    uint8_t watched = atomic_load_explicit(&registration->watched, memory_order_relaxed);

    if (!is_registered(selector, fd)) {
        selector_withdraw(selector, registration);
        return 0;
    }
    if ((watched & WATCHED_ONESHOT) && registration_is_disarmed(registration, generation))
        return add_to_instance(epoll_fd, fd, EPOLLONESHOT, word_of(fd, generation - 1, watched));
    if (registration->delivered == 0)
        return add_to_instance(epoll_fd, fd, watched_events(watched), word_of(fd, generation, watched));
    registration->delivered |= DELIVERED_ECHO;
    return add_to_instance(epoll_fd, fd, watched_events(watched) | EPOLLET, word_of(fd, generation - 1, watched));
}

/* Copies either the edge-triggered registrations or all the rest. */
static int copy_registrations(struct selector *selector, int epoll_fd, bool is_edge)
{
    int result = 0;

    for (int i = 0; i < REGISTRY_SEGMENTS && result == 0; i++) {
        struct registration *segment = atomic_load_explicit(&selector->registry.segments[i], memory_order_relaxed);
        int count = segment ? 1 << (i + REGISTRY_FIRST_BITS) : 0;
        for (int entry = 0; entry < count && result == 0; entry++) {
            uint8_t watched = atomic_load_explicit(&segment[entry].watched, memory_order_relaxed);
            if (registration_stands(&segment[entry]) && ((watched & WATCHED_EDGE) != 0) == is_edge)
                result =
                    copy_registration(selector, epoll_fd, count - (1 << REGISTRY_FIRST_BITS) + entry, &segment[entry]);
        }
    }
    return result;
}

/* ---- Edges ------------------------------------------------------------------------------------------------------ */

#define BATCH 64

/* Drops the edges that an edge-triggered registration reports only because EPOLL_CTL_ADD found the file ready. */
static void drop_edges(int epoll_fd)
{
    struct epoll_event batch[BATCH];

    while (epoll_wait(epoll_fd, batch, BATCH, 0) == BATCH)
        ;
}

/* Moves an undelivered edge of the old instance: the new instance reports present readiness again. */
static void move_edge(struct selector *selector, int epoll_fd, const struct epoll_event *event)
{
    uint32_t generation = (uint32_t)(event->data.u64 >> WORD_GENERATION_SHIFT);
    int fd = (int)(event->data.u64 & WORD_FD);
    struct registration *registration = registry_find(&selector->registry, fd);
    uint64_t token;

    if (!registration || !registration_read(registration, generation, &token))
        return;
    uint8_t watched = atomic_load_explicit(&registration->watched, memory_order_relaxed);
    struct epoll_event change = {.events = watched_events(watched), .data.u64 = event->data.u64};
    if (watched & WATCHED_EDGE)
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &change);
}

/*
 * Moves the edges that the old instance has queued. A level-triggered event returns to the end of the queue, so a word
 * that appears twice shows that the whole queue was read. The word of an edge may not appear again, so the reference
 * word is replaced each time that the number of events has doubled.
 */
static void move_edges(struct selector *selector, int epoll_fd)
{
    struct epoll_event batch[BATCH];
    uint64_t looked_for = WORD_WAKER;
    unsigned seen = 0;
    bool is_done = false;

    while (!is_done) {
        int count = epoll_wait(selector->epoll_fd, batch, BATCH, 0);
        is_done = count < BATCH;
        for (int i = 0; i < count; i++) {
            move_edge(selector, epoll_fd, &batch[i]);
            is_done |= batch[i].data.u64 == looked_for && seen > 0;
            seen++;
            if ((seen & (seen - 1)) == 0)
                looked_for = batch[i].data.u64;
        }
    }
}

/* ---- The instance ----------------------------------------------------------------------------------------------- */

/* Reads from the old instance only after each step that can fail has succeeded. */
static int populate_instance(struct selector *selector, int epoll_fd)
{
    int result = copy_registrations(selector, epoll_fd, true);

    if (result < 0)
        return result;
    drop_edges(epoll_fd);
    result = copy_registrations(selector, epoll_fd, false);
    if (result == 0)
        result = add_to_instance(epoll_fd, selector->waker_fd, EPOLLIN | EPOLLET, WORD_WAKER);
    if (result == 0 && selector->nesting_fd >= 0)
        result = add_to_instance(selector->nesting_fd, epoll_fd, EPOLLIN, 0);
    if (result == 0)
        move_edges(selector, epoll_fd);
    return result;
}

static void replace_instance(struct selector *selector)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0)
        return;
    if (populate_instance(selector, fd) < 0) {
        close(fd);
        return;
    }
    close(selector->epoll_fd);
    selector->epoll_fd = fd;
}

void selector_renew(struct selector *selector)
{
    pthread_mutex_lock(&selector->lock);
    replace_instance(selector);
    pthread_mutex_unlock(&selector->lock);
    selector->strays = 0;
    selector->needs_renewal = false;
}
