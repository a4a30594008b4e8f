/* SPDX-License-Identifier: MIT */
/* Owns the groups of sockets, each with a handle to AFD. */
#include "libminimio/group_windows.h"

#include "libminimio/afd_windows.h"

#include <errno.h>
#include <stdlib.h>

static void list_insert(struct group **room, struct group *group)
{
    group->previous = NULL;
    group->next = *room;
    if (*room)
        (*room)->previous = group;
    *room = group;
}

static void list_remove(struct group **room, struct group *group)
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
    int result = afd_open(port, &group->afd);
    if (result < 0) {
        free(group);
        return result;
    }
    *ret_group = group;
    return 0;
}

int group_reserve(struct group **room, HANDLE port, struct group **ret_group)
{
    struct group *group = *room;

    if (!group) {
        int result = group_new(port, &group);
        if (result < 0)
            return result;
        list_insert(room, group);
    }
    if (++group->used == GROUP_SOCKETS)
        list_remove(room, group);
    *ret_group = group;
    return 0;
}

void group_release(struct group **room, struct group *group)
{
    if (group->used-- == GROUP_SOCKETS)
        list_insert(room, group);
    if (group->used > 0)
        return;
    list_remove(room, group);
    CloseHandle(group->afd);
    free(group);
}
