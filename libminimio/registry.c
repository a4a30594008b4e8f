/* SPDX-License-Identifier: MIT */
/* The registry: allocation of the segments, and withdrawal of a registration. */
#include "libminimio/registry.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

void registry_deinit(struct registry *registry)
{
    for (int i = 0; i < REGISTRY_SEGMENTS; i++)
        free(atomic_exchange(&registry->segments[i], NULL));
}

int registry_reserve(struct registry *registry, int fd, struct registration **ret_registration)
{
    struct registration *registration = registry_find(registry, fd);

    if (!registration) {
        uint32_t number = (uint32_t)fd + (UINT32_C(1) << REGISTRY_FIRST_BITS);
        int highest_bit = 31 - __builtin_clz(number);
        struct registration *segment = calloc((size_t)1 << highest_bit, sizeof *segment + registry->extra_size);
        if (!segment)
            return -ENOMEM;
        atomic_store_explicit(&registry->segments[highest_bit - REGISTRY_FIRST_BITS], segment, memory_order_release);
        registration = registry_find(registry, fd);
    }
    *ret_registration = registration;
    return 0;
}

void registration_withdraw(struct registration *registration)
{
    uint32_t generation = atomic_load_explicit(&registration->generation, memory_order_relaxed);

    if (generation & 1)
        atomic_store_explicit(&registration->generation, generation + 1, memory_order_release);
}
