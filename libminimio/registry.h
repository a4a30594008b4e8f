/* SPDX-License-Identifier: MIT */
/*
 * Maps a descriptor to its token: a table indexed by descriptor number.
 *
 * A registration has a generation, which is odd while the registration exists, and changes with every change of the
 * registration. The selector passes the descriptor and the generation to the kernel, and finds the token here when an
 * event arrives. An event of an earlier registration of the same number therefore matches no entry.
 *
 * One thread at a time writes, under the selector's lock. The polling thread reads without a lock: the table grows by
 * segments that never move, and an entry is read as under a seqlock.
 */
#ifndef MINIMIO_REGISTRY_H
#define MINIMIO_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Segment n has 64 * 2^n entries, so the segments reach past INT_MAX. Untouched pages of a large segment use no
 * memory. */
#define REGISTRY_FIRST_BITS 6
#define REGISTRY_SEGMENTS   26

struct registration {
    _Atomic uint64_t token;
    _Atomic uint32_t generation;
    /* For the selector, zeroed at first; fills the entry up to 16 bytes. */
    _Atomic uint16_t disarmed;
    _Atomic uint8_t watched;
    uint8_t delivered;
};

struct registry {
    struct registration *_Atomic segments[REGISTRY_SEGMENTS];
    size_t extra_size; /* size of the selector's extra data for each entry; set before the first registry_reserve */
};

void registry_deinit(struct registry *registry);

/* Allocates the entry of `fd`. Error: -ENOMEM. */
int registry_reserve(struct registry *registry, int fd, struct registration **ret_registration);

/* The entry of `fd`, or NULL if never allocated. */
static inline struct registration *registry_find(struct registry *registry, int fd)
{
    uint32_t number = (uint32_t)fd + (UINT32_C(1) << REGISTRY_FIRST_BITS);
    int highest_bit = 31 - __builtin_clz(number);
    struct registration *segment =
        atomic_load_explicit(&registry->segments[highest_bit - REGISTRY_FIRST_BITS], memory_order_acquire);

    return segment ? &segment[number - (UINT32_C(1) << highest_bit)] : NULL;
}

/* The selector's extra data for `fd`, zeroed at first, or NULL if never allocated. */
static inline void *registry_extra(struct registry *registry, int fd)
{
    uint32_t number = (uint32_t)fd + (UINT32_C(1) << REGISTRY_FIRST_BITS);
    int highest_bit = 31 - __builtin_clz(number);
    uint32_t count = UINT32_C(1) << highest_bit;
    struct registration *segment =
        atomic_load_explicit(&registry->segments[highest_bit - REGISTRY_FIRST_BITS], memory_order_acquire);

    return segment ? (char *)(segment + count) + (number - count) * registry->extra_size : NULL;
}

/* The generation for the next registration in this entry. */
static inline uint32_t registration_next_generation(const struct registration *registration)
{
    uint32_t generation = atomic_load_explicit(&registration->generation, memory_order_relaxed);

    return (generation + 1) | 1;
}

/* Publishes generation and token to the polling thread. */
static inline void registration_publish(struct registration *registration, uint32_t generation, uint64_t token)
{
    /* During the write the generation is even, as after a withdrawal, so no event matches. */
    atomic_store_explicit(&registration->generation, generation + 1, memory_order_relaxed);
    atomic_store_explicit(&registration->token, token, memory_order_release);
    atomic_store_explicit(&registration->generation, generation, memory_order_release);
}

/* Ends the registration in this entry. */
void registration_withdraw(struct registration *registration);

/*
 * Reads the token of `generation`; false if the entry has another generation or is being written. The token may be
 * newer than the first read of the generation. In this case the acquiring read of the token has made the writer's
 * earlier store to the generation visible, and the second read of the generation detects the change.
 */
static inline bool registration_read(struct registration *registration, uint32_t generation, uint64_t *ret_token)
{
    if (atomic_load_explicit(&registration->generation, memory_order_acquire) != generation)
        return false;
    uint64_t token = atomic_load_explicit(&registration->token, memory_order_acquire);
    if (atomic_load_explicit(&registration->generation, memory_order_relaxed) != generation)
        return false;
    *ret_token = token;
    return true;
}

#endif
