/* SPDX-License-Identifier: MIT */
/*
 * Which token stands for which descriptor: a table indexed by descriptor number.
 *
 * A registration has a generation, which is odd while it stands and changes with every change of it. The selector
 * gives the kernel descriptor and generation and finds the token here when an event comes, so an event of an earlier
 * registration of the same number names nobody.
 *
 * One thread at a time writes, under the selector's lock. The polling thread reads without a lock: the table grows by
 * segments that never move, and an entry is read as a seqlock is.
 */
#ifndef MINIMIO_REGISTRY_H
#define MINIMIO_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Segment n has 64 * 2^n entries, so these reach past INT_MAX; one for high numbers costs what is touched of it. */
#define REGISTRY_FIRST_BITS 6
#define REGISTRY_SEGMENTS   26

struct registration {
    _Atomic uint64_t token;
    _Atomic uint32_t generation;
    /* The selector's own, in what is left of 16 bytes: zeroes at first. */
    _Atomic uint16_t fired;
    _Atomic uint8_t watched;
    uint8_t told;
};

struct registry {
    struct registration *_Atomic segments[REGISTRY_SEGMENTS];
    size_t beside_size; /* of what a selector keeps beside each registration; set before the first is made */
};

void registry_deinit(struct registry *registry);

/* Makes room for the entry of `fd`. Error: -ENOMEM. */
int registry_reserve(struct registry *registry, int fd, struct registration **ret_registration);

/* The entry of `fd`, or NULL where none was ever made. */
static inline struct registration *registry_find(struct registry *registry, int fd)
{
    uint32_t number = (uint32_t)fd + (UINT32_C(1) << REGISTRY_FIRST_BITS);
    int highest_bit = 31 - __builtin_clz(number);
    struct registration *segment =
        atomic_load_explicit(&registry->segments[highest_bit - REGISTRY_FIRST_BITS], memory_order_acquire);

    return segment ? &segment[number - (UINT32_C(1) << highest_bit)] : NULL;
}

/* What the selector keeps beside that entry, zeroes at first; NULL where no entry was ever made. */
static inline void *registry_beside(struct registry *registry, int fd)
{
    uint32_t number = (uint32_t)fd + (UINT32_C(1) << REGISTRY_FIRST_BITS);
    int highest_bit = 31 - __builtin_clz(number);
    uint32_t count = UINT32_C(1) << highest_bit;
    struct registration *segment =
        atomic_load_explicit(&registry->segments[highest_bit - REGISTRY_FIRST_BITS], memory_order_acquire);

    return segment ? (char *)(segment + count) + (number - count) * registry->beside_size : NULL;
}

/* The generation that the next registration of this entry is to have. */
static inline uint32_t registration_next_generation(const struct registration *registration)
{
    uint32_t generation = atomic_load_explicit(&registration->generation, memory_order_relaxed);

    return (generation + 1) | 1;
}

/* Sets generation and token for the polling thread to see. */
static inline void registration_publish(struct registration *registration, uint32_t generation, uint64_t token)
{
    /* Until it is written: as if it had been withdrawn already, which no event can name. */
    atomic_store_explicit(&registration->generation, generation + 1, memory_order_relaxed);
    atomic_store_explicit(&registration->token, token, memory_order_release);
    atomic_store_explicit(&registration->generation, generation, memory_order_release);
}

/* There is no registration any more. */
void registration_withdraw(struct registration *registration);

/*
 * The token of that generation; false where the entry has another one, or is being written.
 * The token read may be a newer one than the generation read before it. In that case reading it has made the writer's
 * earlier store to the generation visible, and the second look at the generation tells.
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
