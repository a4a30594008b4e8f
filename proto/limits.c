/* SPDX-License-Identifier: MIT */
/*
 * The table of limits: names, defaults and ranges.
 */
#include "proto/limits.h"
#include "proto/scan.h"

#include <errno.h>
#include <string.h>

#define MANY (UINT32_C(1) << 24) /* above the descriptor limit of any machine */

#define LIMIT(name, default_value, min, max)                                                                           \
    {                                                                                                                  \
#name, offsetof(struct limits, name), (default_value), (min), (max)                                            \
    }

/*
 * The scanner's counters bound the size of a message. The maximum of line_bytes is 64 KiB because asyncio's readers
 * fail at longer lines; the minimum has room for the longest fault with the longest id.
 */
const struct limit_info limit_table[] = {
    LIMIT(message_bytes, 256 * 1024, 256, SCAN_BYTES_MAX),
    LIMIT(message_depth, 32, 4, SCAN_DEPTH_MAX),
    LIMIT(message_values, 16384, 16, 1 << 20),
    LIMIT(batch, 64, 1, 1024),
    LIMIT(id_bytes, 256, 16, 1024),
    LIMIT(line_bytes, 64 * 1024, 8 * 1024, 64 * 1024),
    LIMIT(output_bytes, 64 * 1024, 4 * 1024, 1 << 30),
    LIMIT(sessions, 1024, 1, MANY),
    LIMIT(sessions_uid, 256, 1, MANY),
    LIMIT(registrations, 0, 1, MANY),
    LIMIT(registrations_uid, 0, 1, MANY),
    LIMIT(loops_uid, 256, 1, MANY),
    LIMIT(descriptors_message, 16, 1, 253), /* 253: SCM_MAX_FD of Linux */
    LIMIT(descriptors_unclaimed, 64, 1, MANY),
    LIMIT(descriptors_uid, 0, 1, MANY),
    LIMIT(descriptors_unread, 0, 1, MANY),
    LIMIT(descriptors_unread_uid, 0, 1, MANY),
    LIMIT(lookups, 32, 1, 256), /* each lookup is a process */
    LIMIT(lookups_uid, 16, 1, 256),
    LIMIT(lookups_waiting_uid, 4096, 1, MANY),
    LIMIT(linger_ms, 24 * 3600 * 1000, 1, UINT32_MAX),
};

const size_t limit_count = sizeof limit_table / sizeof *limit_table;

static void store(struct limits *limits, const struct limit_info *info, uint32_t value)
{
    memcpy((char *)limits + info->offset, &value, sizeof value);
}

void limits_init(struct limits *ret_limits)
{
    for (size_t i = 0; i < limit_count; i++)
        store(ret_limits, &limit_table[i], limit_table[i].default_value);
}

uint32_t limits_get(const struct limits *limits, const struct limit_info *info)
{
    uint32_t value;

    memcpy(&value, (const char *)limits + info->offset, sizeof value);
    return value;
}

const struct limit_info *limits_find(struct span name)
{
    for (size_t i = 0; i < limit_count; i++) {
        if (strlen(limit_table[i].name) == name.length && memcmp(limit_table[i].name, name.data, name.length) == 0)
            return &limit_table[i];
    }
    return NULL;
}

int limits_set(struct limits *limits, struct span name, uint64_t value)
{
    const struct limit_info *info = name.data ? limits_find(name) : NULL;

    if (!info)
        return -ENOENT;
    if (value < info->min || value > info->max)
        return -ERANGE;
    store(limits, info, (uint32_t)value);
    return 0;
}
