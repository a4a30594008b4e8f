/* SPDX-License-Identifier: MIT */
/*
 * The AFD handles of a selector. A handle serves at most GROUP_SOCKETS sockets, because the driver keeps the requests
 * of a handle in a list, and searches the list for each cancellation.
 */
#ifndef MINIMIO_GROUP_WINDOWS_H
#define MINIMIO_GROUP_WINDOWS_H

#include <winsock2.h>

#include <windows.h>

#define GROUP_SOCKETS 32

struct group {
    HANDLE afd;
    unsigned used;
    struct group *next, *previous; /* list of groups with room; a full group is in no list */
};

/* Reserves a place in the first group of the list `*room`, or in a new group. Errors: as afd_open; -ENOMEM. */
int group_reserve(struct group **room, HANDLE port, struct group **ret_group);

/* Releases the place. The last release closes the handle. */
void group_release(struct group **room, struct group *group);

#endif
