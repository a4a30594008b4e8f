/* SPDX-License-Identifier: MIT */
/*
 * What the files of the epoll backend share: selector_epoll.c changes what is watched, selector_epoll_wait.c waits,
 * selector_epoll_late.c has the rare cases of an event, and selector_epoll_renew.c replaces the instance.
 *
 * What is registered is for the kernel to say. The registry only tells which token an event belongs to, and is
 * written after epoll_ctl succeeded: a call that fails changes nothing anywhere. An event can therefore come with a
 * generation that is not published yet; the polling thread then waits for the writer's lock and looks again.
 *
 * The kernel gets odd generations, as the registry has them. An even one, which never matches, marks a registration
 * whose events need a closer look: one that is muted, or a oneshot that had fired before the instance was replaced.
 */
#ifndef MINIMIO_SELECTOR_EPOLL_H
#define MINIMIO_SELECTOR_EPOLL_H

#include "libminimio/registry.h"
#include "libminimio/selector.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

/* Headers of a kernel before 5.11 do not name the call. Its number is the same on these; on others the selector then
 * waits whole milliseconds. */
#if !defined(SYS_epoll_pwait2) && ((defined(__x86_64__) && defined(__LP64__)) || defined(__i386__) ||                  \
                                   defined(__arm__) || defined(__aarch64__) || defined(__riscv))
#define SYS_epoll_pwait2 441
#endif

/*
 * In epoll_data: the generation above; below, what kind of file it is, whether it is a oneshot, and the descriptor.
 * A table with 2^29 descriptors has 4 GiB, so no registration's word is the waker's.
 */
#define WORD_GENERATION_SHIFT 32
#define WORD_NO_SOCKET        (UINT64_C(1) << 31)
#define WORD_PIPE             (UINT64_C(1) << 30) /* or a FIFO; beside WORD_NO_SOCKET */
#define WORD_ONESHOT          (UINT64_C(1) << 29)
#define WORD_FD               (WORD_ONESHOT - 1)
#define WORD_WAKER            UINT64_MAX

/* The kernel reports these whether or not they were asked for; EPOLLRDHUP always is. */
#define HANG_UPS (EPOLLHUP | EPOLLRDHUP | EPOLLERR)

struct selector {
    int epoll_fd;   /* -1: closed */
    int nesting_fd; /* an instance that watches epoll_fd alone, for other queues to watch; -1: nobody asked for it */
    int waker_fd;
    unsigned forks;  /* forks_count() of the process that made it */
    unsigned strays; /* events of no registration since the instance was made; the polling thread's alone */
    unsigned count;  /* about as many registrations as there are: those of closed descriptors count too */
    bool worn;       /* as many strays have come as it takes to replace the instance; the polling thread's alone */
    bool coarse;     /* there is no epoll_pwait2 here; the polling thread's alone */
    pthread_mutex_t lock;
    struct registry registry;
};

/* ---- A registration --------------------------------------------------------------------------------------------- */

/*
 * `watched`: the interests, with the bits of EPOLLIN, EPOLLPRI and EPOLLOUT; the mode, none of its bits for LEVEL; and
 * the kind of file.
 */
#define WATCHED_ORDINARY  7U
#define WATCHED_CLOSED    (1U << 3)
#define WATCHED_ONESHOT   (1U << 4)
#define WATCHED_EDGE      (1U << 5)
#define WATCHED_MODE      (WATCHED_ONESHOT | WATCHED_EDGE)
#define WATCHED_NO_SOCKET (1U << 7)
#define WATCHED_PIPE      (1U << 6)
#define WATCHED_KIND      (WATCHED_NO_SOCKET | WATCHED_PIPE)

/* How far its bits are from those of the word and of epoll_event.events. */
#define WATCHED_KIND_SHIFT    24
#define WATCHED_ONESHOT_SHIFT 25
#define WATCHED_MODE_SHIFT    26

_Static_assert(WATCHED_ONESHOT << WATCHED_MODE_SHIFT == EPOLLONESHOT && WATCHED_EDGE << WATCHED_MODE_SHIFT == EPOLLET,
               "the bits of the mode are not the kernel's");
_Static_assert(MINIMIO_READABLE >> 1 == EPOLLIN && MINIMIO_PRIORITY >> 1 == EPOLLPRI &&
                   MINIMIO_WRITABLE << 2 == EPOLLOUT && MINIMIO_CLOSED >> 2 == WATCHED_CLOSED,
               "the bits of the interests are not the kernel's, moved");
_Static_assert(MINIMIO_ONESHOT == 0 && MINIMIO_EDGE == 1 && MINIMIO_LEVEL == 2, "the modes are not in their order");

/* `told`, of a muted registration alone: the readiness that was told, and whether the kernel is about to repeat it. */
#define TOLD_ECHO (UINT8_C(1) << 7)

static inline uint8_t watched_of(minimio_interests interests, enum minimio_mode mode, unsigned kind)
{
    unsigned ordinary = (interests >> 1 & (EPOLLIN | EPOLLPRI)) | (interests & MINIMIO_WRITABLE) << 2;

    return (uint8_t)(ordinary | (interests & MINIMIO_CLOSED) >> 2 | (WATCHED_ONESHOT << mode & WATCHED_MODE) | kind);
}

/*
 * What to ask the kernel for. Without EPOLLRDHUP a peer's end could not be told from data, and a writer would not hear
 * of it at all.
 */
static inline uint32_t watched_events(uint8_t watched)
{
    return EPOLLRDHUP | (watched & WATCHED_ORDINARY) | (watched & WATCHED_MODE) << WATCHED_MODE_SHIFT;
}

/* Is there a registration? With the lock held. */
static inline bool registration_stands(const struct registration *registration)
{
    return (atomic_load_explicit(&registration->generation, memory_order_relaxed) & 1) != 0;
}

/*
 * That the oneshot of a generation has fired is for the polling thread to write, without the lock. There is room for
 * half of the generation only, so the mark is taken away each time that these bits of the next one are but 1, before
 * another generation could have the same half.
 */
#define FIRED_EPOCH UINT32_C(0x7fff)

static inline void registration_fired(struct registration *registration, uint32_t generation)
{
    atomic_store_explicit(&registration->fired, (uint16_t)(generation >> 1), memory_order_relaxed);
}

static inline bool registration_has_fired(const struct registration *registration, uint32_t generation)
{
    return atomic_load_explicit(&registration->fired, memory_order_relaxed) == (uint16_t)(generation >> 1);
}

static inline uint64_t word_of(int fd, uint32_t generation, uint8_t watched)
{
    return (uint64_t)generation << WORD_GENERATION_SHIFT | (watched & WATCHED_KIND) << WATCHED_KIND_SHIFT |
           (watched & WATCHED_ONESHOT) << WATCHED_ONESHOT_SHIFT | (unsigned)fd;
}

/* The registry has no registration any more. With the lock held. */
void selector_withdraw(struct selector *selector, struct registration *registration);

/* ---- Events: for the polling thread ----------------------------------------------------------------------------- */

/* The readiness that the kernel's events mean, of the kind of file that the word tells. */
uint32_t selector_readiness(uint32_t events, uint64_t word);

/* An event with hang-ups, of the registration that its word names. Returns its readiness. */
uint32_t selector_hung_up(struct selector *selector, struct registration *registration, uint32_t events, uint64_t word);

/*
 * An event whose word names no registration that is published. False: it is nobody's, or tells nothing; else
 * `*ret_event` is what to return.
 */
bool selector_find_late(struct selector *selector, uint32_t events, uint64_t word, struct minimio_event *ret_event);

/*
 * Replaces the instance by one that has the registrations alone. Where that cannot be, the old one stays, and it is
 * tried again after as many events more. Under the lock, which it takes.
 */
void selector_renew(struct selector *selector);

#endif
