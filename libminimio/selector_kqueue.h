/* SPDX-License-Identifier: MIT */
/*
 * What the files of the kqueue backend share: selector_kqueue.c waits, selector_kqueue_change.c changes what is
 * watched.
 *
 * A registration is one knote for each of its interests. The knotes carry the registration's generation, and the
 * registry tells which token that is. It is written after the kernel agreed, so an event may come with a generation
 * that is not published yet; the polling thread then waits for the writer's lock and looks again.
 */
#ifndef MINIMIO_SELECTOR_KQUEUE_H
#define MINIMIO_SELECTOR_KQUEUE_H

#include "libminimio/registry.h"
#include "libminimio/selector.h"
#include "libminimio/selector_kqueue_waker.h"

#include <pthread.h>

/* NetBSD before 10 has no knotes that disarm themselves when their event is fetched; then selector_disarm does it. */
#ifndef EV_DISPATCH
#define EV_DISPATCH 0
#endif

/* A knote's udata: a generation, of which the lowest bit is always set and left out, and two flags. It fits 32 bits,
 * as a pointer may. */
#define WORD_NO_SOCKET   (UINT32_C(1) << 0)
#define WORD_DISARM      (UINT32_C(1) << 1) /* a oneshot that the kernel does not disarm, or not all of it */
#define GENERATION_MASK  (UINT32_MAX >> 1)
#define GENERATION(word) (((word) >> 2) << 1 | 1)

/* What is kept beside a registration. */
struct watch {
    /* The writers'. */
    minimio_interests interests; /* those that have a knote; 0: there is no registration */
    uint8_t mode;
    bool is_socket;
    /* The polling thread's: where in the caller's array its event is, in which wait. */
    uint32_t place;
    uint64_t wait;
};

struct selector {
    int kqueue_fd;  /* -1: closed */
    unsigned forks; /* forks_count() of the process that made it */
    uint64_t wait;  /* the number of the wait; the polling thread's alone */
    pthread_mutex_t lock;
    struct waker waker;
    struct registry registry;
};

/*
 * The registration that this word names has fired: none of its knotes has an event until it is registered anew. Unless
 * it was changed meanwhile. By the polling thread, without the lock.
 */
void selector_disarm(struct selector *selector, int fd, uint32_t word);

/*
 * The end of the stream has come to a knote that waits for priority data alone, and would come for ever under LEVEL:
 * that knote is to be silent. As selector_disarm.
 */
void selector_silence_priority(struct selector *selector, int fd, uint32_t word);

#endif
