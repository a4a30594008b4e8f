/* SPDX-License-Identifier: MIT */
#include "daemon/connect/names_message.h"

#include <string.h>

size_t names_answer_size(const struct names_answer *answer)
{
    return offsetof(struct names_answer, addresses) + answer->count * sizeof answer->addresses[0];
}

static bool has_valid_families(const struct names_answer *answer)
{
    for (uint32_t i = 0; i < answer->count; i++)
        if (answer->addresses[i].family != AF_INET && answer->addresses[i].family != AF_INET6)
            return false;
    return true;
}

bool names_answer_is_valid(const struct names_answer *answer, size_t size)
{
    return size >= offsetof(struct names_answer, addresses) && answer->outcome < NAMES_OUTCOMES &&
           answer->place < NAMES_PLACES_MAX && answer->count <= NAMES_ADDRESSES_MAX &&
           (answer->count > 0) == (answer->outcome == NAMES_FOUND) && size == names_answer_size(answer) &&
           has_valid_families(answer);
}

void names_answer_add(struct names_answer *answer, const struct sockaddr *address)
{
    const union address *known = (const union address *)(const void *)address;
    struct names_address added = {.family = address->sa_family};

    if (answer->count >= NAMES_ADDRESSES_MAX || (added.family != AF_INET && added.family != AF_INET6))
        return;
    if (added.family == AF_INET) {
        memcpy(added.bytes, &known->v4.sin_addr, sizeof known->v4.sin_addr);
    } else {
        memcpy(added.bytes, &known->v6.sin6_addr, sizeof known->v6.sin6_addr);
        added.scope = known->v6.sin6_scope_id;
    }
    answer->addresses[answer->count++] = added;
}

void names_answer_get(const struct names_answer *answer, size_t index, union address *ret_address)
{
    const struct names_address *found = &answer->addresses[index];

    *ret_address = (union address){0};
    ret_address->any.sa_family = found->family;
    if (found->family == AF_INET) {
        memcpy(&ret_address->v4.sin_addr, found->bytes, sizeof ret_address->v4.sin_addr);
    } else {
        memcpy(&ret_address->v6.sin6_addr, found->bytes, sizeof ret_address->v6.sin6_addr);
        ret_address->v6.sin6_scope_id = found->scope;
    }
}
