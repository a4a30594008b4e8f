/* SPDX-License-Identifier: MIT */
/*
 * Messages between the daemon and the name lookup process, a message in each packet. A lookup has a place. Each order
 * to look up gets exactly one answer, even if given up meanwhile.
 *
 * Owns no state. Calls only libc.
 */
#ifndef MINIMIO_DAEMON_CONNECT_NAMES_MESSAGE_H
#define MINIMIO_DAEMON_CONNECT_NAMES_MESSAGE_H

#include "daemon/base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_PLACES_MAX    256  /* lookups under way at once */
#define NAMES_ADDRESSES_MAX 1024 /* of a name; further addresses are dropped */

enum names_order { NAMES_LOOK_UP, NAMES_GIVE_UP };

struct names_request {
    uint16_t order, place;
    char host[ENDPOINT_HOST_MAX + 2];
};

enum names_outcome {
    NAMES_FOUND,
    NAMES_NOT_FOUND,  /* detail: getaddrinfo's error */
    NAMES_ERRNO,      /* detail: an errno of the lookup itself */
    NAMES_NO_PROCESS, /* detail: an errno; no worker could be started */
    NAMES_CRASHED,    /* detail: the signal that ended the worker, or 0 */
    NAMES_GIVEN_UP,
    NAMES_OUTCOMES
};

struct names_address {
    uint16_t family; /* AF_INET or AF_INET6 */
    uint16_t unused;
    uint32_t scope;
    uint8_t bytes[16];
};

struct names_answer {
    uint16_t outcome, place;
    int32_t detail;
    uint32_t count; /* NAMES_FOUND: at least 1; otherwise 0 */
    struct names_address addresses[NAMES_ADDRESSES_MAX];
};

size_t names_answer_size(const struct names_answer *answer);

/* Whether `size` bytes are a valid answer. The sender may be compromised, so every member is checked. */
bool names_answer_is_valid(const struct names_answer *answer, size_t size);

/* Adds an address, except for a family besides IPv4 and IPv6, or beyond NAMES_ADDRESSES_MAX. Reads an address. */
void names_answer_add(struct names_answer *answer, const struct sockaddr *address);
void names_answer_get(const struct names_answer *answer, size_t index, union address *ret_address);

#endif
