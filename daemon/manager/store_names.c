/* SPDX-License-Identifier: MIT */
#include "daemon/manager/store_names.h"

#include <stddef.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The least significant digit comes first. */
void store_name(uint64_t id, char ret_name[STORE_NAME_SIZE])
{
    size_t length = 0;

    ret_name[length++] = '+';
    for (; id && length < STORE_NAME_SIZE - 1; id >>= 6)
        ret_name[length++] = digits[id & 63];
    ret_name[length] = '\0';
}

uint64_t store_name_id(const char *name)
{
    size_t length = strlen(name);
    uint64_t id = 0;

    if (name[0] != '+' || length < 2 || length >= STORE_NAME_SIZE)
        return 0;
    while (--length > 0) {
        const char *digit = strchr(digits, name[length]);
        if (!digit)
            return 0;
        id = id << 6 | (uint64_t)(digit - digits);
    }
    return id;
}
