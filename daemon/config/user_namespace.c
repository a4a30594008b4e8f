/* SPDX-License-Identifier: MIT */
/*
 * Reads the uid map of the user namespace. The file has no state.
 */
#include "daemon/config/user_namespace.h"

#include "daemon/base/log.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define UID_MAP      "/proc/self/uid_map"
#define OVERFLOW_UID "/proc/sys/kernel/overflowuid"

#define DEFAULT_OVERFLOW_UID 65534

bool uid_map_is_full(FILE *map)
{
    unsigned long long first, outside, count, mapped = 0;

    while (fscanf(map, "%llu %llu %llu", &first, &outside, &count) == 3)
        mapped += count;
    return mapped >= UINT32_MAX; /* (uid_t)-1 is not a valid uid */
}

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "re");

    if (!file)
        log_write(LOG_LEVEL_WARNING, "%s: %s: not every user counts as mapped in this user namespace", path,
                  strerror(errno));
    return file;
}

static bool every_uid_is_mapped(void)
{
    FILE *map = open_file(UID_MAP);
    bool full = map && uid_map_is_full(map);

    if (map)
        fclose(map);
    return full;
}

uid_t user_namespace_overflow_uid(void)
{
    unsigned uid = DEFAULT_OVERFLOW_UID;
    FILE *file;

    if (every_uid_is_mapped())
        return (uid_t)-1;
    file = open_file(OVERFLOW_UID);
    if (file && fscanf(file, "%u", &uid) != 1)
        uid = DEFAULT_OVERFLOW_UID;
    if (file)
        fclose(file);
    return uid;
}
