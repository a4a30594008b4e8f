/* SPDX-License-Identifier: MIT */
#include "daemon/loops/expired.h"

#include <errno.h>
#include <string.h>

void expired_init(struct expired_names *names)
{
    names->next = 0;
    for (size_t i = 0; i < EXPIRED_NAMES; i++)
        names->names[i] = (struct expired_name){.name = ""};
}

void expired_add(struct expired_names *names, const char *name, uid_t uid, int64_t now_ms)
{
    struct expired_name *entry = &names->names[names->next];

    names->next = (names->next + 1) % EXPIRED_NAMES;
    entry->at_ms = now_ms;
    entry->uid = uid;
    strcpy(entry->name, name);
}

void expired_forget(struct expired_names *names, const char *name, uid_t uid)
{
    for (size_t i = 0; i < EXPIRED_NAMES; i++)
        if (names->names[i].uid == uid && !strcmp(names->names[i].name, name))
            names->names[i].name[0] = '\0';
}

/* From the newest name to the oldest. */
int64_t expired_find(const struct expired_names *names, const char *name, uid_t uid, int64_t now_ms)
{
    for (uint32_t back = 1; back <= EXPIRED_NAMES; back++) {
        const struct expired_name *entry = &names->names[(names->next + EXPIRED_NAMES - back) % EXPIRED_NAMES];

        if (!entry->name[0])
            continue;
        if (now_ms - entry->at_ms > EXPIRED_AGE_MS)
            break;
        if (entry->uid == uid && !strcmp(entry->name, name))
            return now_ms - entry->at_ms;
    }
    return -ENOENT;
}
