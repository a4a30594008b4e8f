/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the epoll backend: selector_epoll.c changes the set of watched descriptors,
 * selector_epoll_wait.c waits, selector_epoll_late.c converts rare events, and selector_epoll_renew.c replaces the
 * epoll instance.
 *
 * The kernel is the authority on registrations. The registry maps an event to a token, and is written after epoll_ctl
 * succeeded, so a failed call changes nothing. An event can therefore arrive with a generation that is not published
 * yet; the polling thread then takes the lock and searches again.
 *
 * The kernel holds odd generations, as the registry does. An even generation never matches, and marks a registration
 * whose events need extra work: a muted registration, or a oneshot that was disarmed before the instance was replaced.
 */
#ifndef MINIMIO_SELECTOR_EPOLL_H
#define MINIMIO_SELECTOR_EPOLL_H

#include "libminimio/registry.h"
#include "libminimio/selector.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

/* Headers of kernels before 5.11 lack the number. The architectures below share one number; on other architectures
 * the timeout is rounded up to milliseconds. */
#if !defined(SYS_epoll_pwait2) && ((defined(__x86_64__) && defined(__LP64__)) || defined(__i386__) ||                  \
                                   defined(__arm__) || defined(__aarch64__) || defined(__riscv))
#define SYS_epoll_pwait2 441
#endif

/*
 * epoll_data: the upper half holds the generation; the lower half holds the kind of file, the oneshot flag, and the
 * descriptor. A descriptor table with 2^29 entries needs 4 GiB, so no registration has the same word as the waker.
 */
#define WORD_GENERATION_SHIFT 32
#define WORD_NO_SOCKET        (UINT64_C(1) << 31)
#define WORD_PIPE             (UINT64_C(1) << 30) /* a pipe or a FIFO; set together with WORD_NO_SOCKET */
#define WORD_ONESHOT          (UINT64_C(1) << 29)
#define WORD_FD               (WORD_ONESHOT - 1)
#define WORD_WAKER            UINT64_MAX

/* The kernel always reports EPOLLHUP and EPOLLERR; the selector always asks for EPOLLRDHUP. */
#define HANG_UPS (EPOLLHUP | EPOLLRDHUP | EPOLLERR)

struct selector {
    int epoll_fd;   /* -1: closed */
    int nesting_fd; /* an instance that watches only epoll_fd, for other queues to watch; -1: not requested yet */
    int waker_fd;
    unsigned forks;     /* forks_count() of the process that made the selector */
    unsigned strays;    /* events without a registration since the instance was made; polling thread only */
    unsigned count;     /* upper estimate of the registrations: includes registrations of closed descriptors */
    bool needs_renewal; /* enough strays to replace the instance; polling thread only */
    bool coarse;        /* epoll_pwait2 is missing here; polling thread only */
    pthread_mutex_t lock;
    struct registry registry;
};

/* ---- A registration --------------------------------------------------------------------------------------------- */

/*
 * `watched`: the interests as EPOLLIN, EPOLLPRI and EPOLLOUT; the mode, with no bit set for LEVEL; the kind of file.
 */
#define WATCHED_ORDINARY  7U
#define WATCHED_CLOSED    (1U << 3)
#define WATCHED_ONESHOT   (1U << 4)
#define WATCHED_EDGE      (1U << 5)
#define WATCHED_MODE      (WATCHED_ONESHOT | WATCHED_EDGE)
#define WATCHED_NO_SOCKET (1U << 7)
#define WATCHED_PIPE      (1U << 6)
#define WATCHED_KIND      (WATCHED_NO_SOCKET | WATCHED_PIPE)

/* Distances to the same bits in the word and in epoll_event.events. */
#define WATCHED_KIND_SHIFT    24
#define WATCHED_ONESHOT_SHIFT 25
#define WATCHED_MODE_SHIFT    26

_Static_assert(WATCHED_ONESHOT << WATCHED_MODE_SHIFT == EPOLLONESHOT && WATCHED_EDGE << WATCHED_MODE_SHIFT == EPOLLET,
               "the bits of the mode are not the kernel's");
_Static_assert(MINIMIO_READABLE >> 1 == EPOLLIN && MINIMIO_PRIORITY >> 1 == EPOLLPRI &&
                   MINIMIO_WRITABLE << 2 == EPOLLOUT && MINIMIO_CLOSED >> 2 == WATCHED_CLOSED,
               "the bits of the interests are not the kernel's, moved");
_Static_assert(MINIMIO_ONESHOT == 0 && MINIMIO_EDGE == 1 && MINIMIO_LEVEL == 2, "the modes are not in their order");

/* `delivered`, for a muted registration only: the delivered readiness. ECHO: the kernel is about to repeat the
 * readiness. */
#define DELIVERED_ECHO (UINT8_C(1) << 7)

static inline uint8_t watched_of(minimio_interests interests, enum minimio_mode mode, unsigned kind)
{
    unsigned ordinary = (interests >> 1 & (EPOLLIN | EPOLLPRI)) | (interests & MINIMIO_WRITABLE) << 2;

    return (uint8_t)(ordinary | (interests & MINIMIO_CLOSED) >> 2 | (WATCHED_ONESHOT << mode & WATCHED_MODE) | kind);
}

/*
 * The events to request from the kernel. EPOLLRDHUP distinguishes the end of the stream from data, and reports the end
 * of the stream to a writer.
 */
static inline uint32_t watched_events(uint8_t watched)
{
    return EPOLLRDHUP | (watched & WATCHED_ORDINARY) | (watched & WATCHED_MODE) << WATCHED_MODE_SHIFT;
}

/* Does the entry hold a registration? Call with the lock held. */
static inline bool registration_stands(const struct registration *registration)
{
    return (atomic_load_explicit(&registration->generation, memory_order_relaxed) & 1) != 0;
}

/*
 * The polling thread marks the oneshot of a generation as disarmed, without the lock. The mark holds only half of the
 * generation's bits. The mark is therefore cleared whenever these bits of the next generation wrap to 1, before another
 * generation can have the same bits.
 */
#define DISARMED_EPOCH UINT32_C(0x7fff)

static inline void registration_set_disarmed(struct registration *registration, uint32_t generation)
{
    atomic_store_explicit(&registration->disarmed, (uint16_t)(generation >> 1), memory_order_relaxed);
}

static inline bool registration_is_disarmed(const struct registration *registration, uint32_t generation)
{
    return atomic_load_explicit(&registration->disarmed, memory_order_relaxed) == (uint16_t)(generation >> 1);
}

static inline uint64_t word_of(int fd, uint32_t generation, uint8_t watched)
{
    return (uint64_t)generation << WORD_GENERATION_SHIFT | (watched & WATCHED_KIND) << WATCHED_KIND_SHIFT |
           (watched & WATCHED_ONESHOT) << WATCHED_ONESHOT_SHIFT | (unsigned)fd;
}

/* Removes the registration from the registry. Call with the lock held. */
void selector_withdraw(struct selector *selector, struct registration *registration);

/* ---- Events: for the polling thread ----------------------------------------------------------------------------- */

/* Converts the kernel's events to readiness, by the kind of file in `word`. */
uint32_t selector_readiness(uint32_t events, uint64_t word);

/* Handles an event with hang-ups for the registration that `word` names. Returns the readiness. */
uint32_t selector_handle_hang_up(struct selector *selector, struct registration *registration, uint32_t events,
                                 uint64_t word);

/*
 * Handles an event whose word matches no published registration. False: the event has no registration, or reports
 * nothing new; otherwise `*ret_event` is the event to return.
 */
bool selector_find_late(struct selector *selector, uint32_t events, uint64_t word, struct minimio_event *ret_event);

/*
 * Replaces the epoll instance by a new instance with the same registrations. On failure the old instance stays, and the
 * next attempt follows after the same number of stray events. Takes the lock.
 */
void selector_renew(struct selector *selector);

#endif
