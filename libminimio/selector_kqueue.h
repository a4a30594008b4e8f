/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the kqueue backend: selector_kqueue.c waits, selector_kqueue_change.c changes the set of
 * watched descriptors.
 *
 * A registration has one knote for each interest. The knotes carry the generation of the registration, and the registry
 * maps the generation to the token. The registry is written after the kernel has accepted the change, so an event can
 * arrive with a generation that is not published yet; the polling thread then takes the lock and searches again.
 */
#ifndef MINIMIO_SELECTOR_KQUEUE_H
#define MINIMIO_SELECTOR_KQUEUE_H

#include "libminimio/registry.h"
#include "libminimio/selector.h"
#include "libminimio/selector_kqueue_waker.h"

#include <pthread.h>

/* NetBSD before 10 lacks EV_DISPATCH, which disables a knote when the event is fetched; selector_disarm then
 * disables the knote. */
#ifndef EV_DISPATCH
#define EV_DISPATCH 0
#endif

/* udata of a knote: two flags, and the generation without its lowest bit, which is always set. 32 bits, because a
 * pointer may have no more. */
#define WORD_NO_SOCKET   (UINT32_C(1) << 0)
#define WORD_DISARM      (UINT32_C(1) << 1) /* a oneshot that the kernel disables not at all or only in part */
#define GENERATION_MASK  (UINT32_MAX >> 1)
#define GENERATION(word) (((word) >> 2) << 1 | 1)

/* The extra data of an entry of the registry. */
struct watch {
    /* For writers, under the lock. */
    minimio_interests interests; /* the interests that have a knote; 0: no registration */
    uint8_t mode;
    bool is_socket;
    /* For the polling thread: the index of the event in the caller's array, valid in the wait with this number. */
    uint32_t place;
    uint64_t wait;
};

struct selector {
    int kqueue_fd;  /* -1: closed */
    unsigned forks; /* forks_count() of the process that made the selector */
    uint64_t wait;  /* the number of the present wait; polling thread only */
    pthread_mutex_t lock;
    struct waker waker;
    struct registry registry;
};

/*
 * Disables all knotes of the registration that `word` names until the next reregister. No effect if the registration
 * was changed meanwhile. The polling thread calls this function, without the lock.
 */
void selector_disarm(struct selector *selector, int fd, uint32_t word);

/*
 * Disables the knote for priority data, which has reached the end of the stream and under LEVEL would report the end
 * for ever. Called as selector_disarm.
 */
void selector_silence_priority(struct selector *selector, int fd, uint32_t word);

#endif
