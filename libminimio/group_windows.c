/* SPDX-License-Identifier: MIT */
/* Owns the groups of sockets, each with a handle to AFD. */
#include "libminimio/group_windows.h"

#include "libminimio/afd_windows.h"

#include <errno.h>
#include <stdlib.h>

static void put_on_list(struct group **room, struct group *group)
{
    group->previous = NULL;
    group->next = *room;
    if (*room)
        (*room)->previous = group;
    *room = group;
}

static void take_from_list(struct group **room, struct group *group)
{
    if (group->previous)
        group->previous->next = group->next;
    else
        *room = group->next;
    if (group->next)
        group->next->previous = group->previous;
}

static int group_new(HANDLE port, struct group **ret_group)
{
    struct group *group = calloc(1, sizeof *group);

    if (!group)
        return -ENOMEM;
    int r = afd_open(port, &group->afd);
    if (r < 0) {
        free(group);
        return r;
    }
    *ret_group = group;
    return 0;
}

int group_take(struct group **room, HANDLE port, struct group **ret_group)
{
    struct group *group = *room;

    if (!group) {
        int r = group_new(port, &group);
        if (r < 0)
            return r;
        put_on_list(room, group);
    }
    if (++group->used == GROUP_SOCKETS)
        take_from_list(room, group);
    *ret_group = group;
    return 0;
}

void group_release(struct group **room, struct group *group)
{
    if (group->used-- == GROUP_SOCKETS)
        put_on_list(room, group);
    if (group->used > 0)
        return;
    take_from_list(room, group);
    CloseHandle(group->afd);
    free(group);
}
