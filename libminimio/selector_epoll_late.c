/* SPDX-License-Identifier: MIT */
/*
 * Rare events of the epoll backend: hang-ups, and words that match no published registration.
 *
 * The kernel reports hang-ups without a request, and under LEVEL repeats each hang-up for ever. A registration that can
 * report nothing but hang-ups is therefore muted: watched edge-triggered, so that each hang-up is delivered once, until
 * a requested event arrives.
 */
#include "libminimio/selector_epoll.h"

#include "libminimio/event.h"

/* ---- What hang-ups mean ----------------------------------------------------------------------------------------- */

/*
 * A socket has EPOLLRDHUP once nothing more can be read, and EPOLLHUP too once nothing more can be sent. EPOLLHUP alone
 * means a socket that was never connected and can still connect: neither direction is closed, although a read returns
 * at once.
 */
static uint32_t socket_closed_flags(uint32_t events)
{
    if (events & EPOLLRDHUP)
        return READINESS_READ_CLOSED | (events & EPOLLHUP ? READINESS_WRITE_CLOSED : 0);
    if ((events & EPOLLHUP) && (events & EPOLLERR))
        return READINESS_READ_CLOSED | READINESS_WRITE_CLOSED;
    return (events & (EPOLLHUP | EPOLLIN | EPOLLOUT)) == EPOLLHUP ? READINESS_READABLE : 0;
}

/*
 * For a pipe or a terminal EPOLLHUP means that the writers are gone. For a pipe EPOLLERR means that the readers are
 * gone; for other files EPOLLERR reports a change (/proc/self/mounts) or an error of the device.
 */
static uint32_t file_closed_flags(uint32_t events, bool is_pipe)
{
    return (events & (EPOLLHUP | EPOLLRDHUP) ? READINESS_READ_CLOSED | READINESS_READABLE : 0) |
           (is_pipe && (events & EPOLLERR) ? READINESS_WRITE_CLOSED | READINESS_WRITABLE : 0);
}

uint32_t selector_readiness(uint32_t events, uint64_t word)
{
    uint32_t bits = (events & EPOLLIN ? READINESS_READABLE : 0) | (events & EPOLLPRI ? READINESS_PRIORITY : 0) |
                    (events & EPOLLOUT ? READINESS_WRITABLE : 0) | (events & EPOLLERR ? READINESS_ERROR : 0);

    if (events & HANG_UPS)
        bits |= word & WORD_NO_SOCKET ? file_closed_flags(events, word & WORD_PIPE) : socket_closed_flags(events);
    return bits;
}

/* ---- Muting ----------------------------------------------------------------------------------------------------- */

/* Do the events match the interests? Divided as in select(2), except for the ends of pipes. */
static bool is_asked_for(uint8_t watched, uint32_t events, uint32_t bits)
{
    bool is_socket = (watched & WATCHED_NO_SOCKET) == 0;
    uint32_t asked = watched & WATCHED_ORDINARY;

    if (asked & EPOLLIN)
        asked |= EPOLLHUP | EPOLLRDHUP | (watched & WATCHED_PIPE ? 0 : EPOLLERR);
    if (asked & EPOLLOUT)
        asked |= EPOLLERR | (is_socket ? EPOLLHUP : 0);
    if ((watched & WATCHED_CLOSED) && (bits & (READINESS_READ_CLOSED | READINESS_WRITE_CLOSED)))
        return true;
    return (events & asked) != 0;
}

static int fd_of(uint64_t word)
{
    return (int)(word & WORD_FD);
}

static uint32_t generation_of(uint64_t word)
{
    return (uint32_t)(word >> WORD_GENERATION_SHIFT);
}

/* Mutes the registration in the kernel, with an even generation, or unmutes the registration. */
static bool set_muted(struct selector *selector, uint64_t word, uint8_t watched, bool is_muted)
{
    uint32_t generation = is_muted ? generation_of(word) - 1 : generation_of(word) + 1;
    struct epoll_event change = {.events = watched_events(watched) | (is_muted ? EPOLLET : 0)};

    change.data.u64 = word_of(fd_of(word), generation, watched);
    return epoll_ctl(selector->epoll_fd, EPOLL_CTL_MOD, fd_of(word), &change) == 0;
}

uint32_t selector_handle_hang_up(struct selector *selector, struct registration *registration, uint32_t events,
                                 uint64_t word)
{
    uint32_t bits = selector_readiness(events, word);
    uint8_t watched = atomic_load_explicit(&registration->watched, memory_order_relaxed);
    uint64_t token;

    if ((watched & WATCHED_MODE) != 0 || is_asked_for(watched, events, bits))
        return bits;
    pthread_mutex_lock(&selector->lock);
    if (registration_read(registration, generation_of(word), &token)) {
        if (set_muted(selector, word, watched, true))
            registration->delivered = (uint8_t)(bits | DELIVERED_ECHO);
        else /* the descriptor is closed and the file lives on in a duplicate: epoll_ctl cannot name the registration */
            selector_withdraw(selector, registration);
    }
    pthread_mutex_unlock(&selector->lock);
    return bits;
}

/*
 * Handles an event of a muted registration. The first event repeats the delivered readiness, because EPOLL_CTL_MOD
 * makes the kernel report present readiness; each later event is new.
 */
static bool convert_muted(struct selector *selector, struct registration *registration, uint32_t events, uint64_t word)
{
    uint8_t watched = atomic_load_explicit(&registration->watched, memory_order_relaxed);
    uint32_t bits = selector_readiness(events, word);
    bool is_echo = (registration->delivered & DELIVERED_ECHO) != 0 && (bits & ~(uint32_t)registration->delivered) == 0;

    /* A oneshot that was disarmed before the instance was replaced: the kernel reports a hang-up. */
    if ((watched & WATCHED_MODE) != 0)
        return false;
    if (is_asked_for(watched, events, bits)) {
        if (set_muted(selector, word, watched, false))
            registration->delivered = 0;
        return true;
    }
    registration->delivered = (uint8_t)((registration->delivered | bits) & ~DELIVERED_ECHO);
    return !is_echo;
}

/* ---- Words that name no published registration ------------------------------------------------------------------ */

/* Stray events below this number never cause a replacement of the instance. */
#define STRAYS_FREE 64

/* With the lock held, so that each writer has both called epoll_ctl and published. */
static bool find_late(struct selector *selector, uint32_t events, uint64_t word, struct minimio_event *ret_event)
{
    struct registration *registration = registry_find(&selector->registry, fd_of(word));
    uint32_t generation = generation_of(word);
    uint64_t token;
    bool is_new = true;

    if (registration && registration_read(registration, generation, &token)) {
        if (word & WORD_ONESHOT)
            registration_set_disarmed(registration, generation);
    } else if (registration && !(generation & 1) && registration_read(registration, generation + 1, &token)) {
        is_new = convert_muted(selector, registration, events, word);
    } else {
        selector->strays++;
        selector->needs_renewal = selector->strays > selector->count + STRAYS_FREE;
        return false;
    }
    *ret_event = (struct minimio_event){.token = token, .readiness = selector_readiness(events, word)};
    return is_new;
}

bool selector_find_late(struct selector *selector, uint32_t events, uint64_t word, struct minimio_event *ret_event)
{
    if (word == WORD_WAKER)
        return false;
    pthread_mutex_lock(&selector->lock);
    bool is_found = find_late(selector, events, word, ret_event);
    pthread_mutex_unlock(&selector->lock);
    return is_found;
}
