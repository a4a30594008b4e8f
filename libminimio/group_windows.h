/* SPDX-License-Identifier: MIT */
/*
 * The handles to AFD of a selector, each with at most so many sockets: the driver keeps the requests of a handle on a
 * list, and looks through it whenever one is cancelled.
 */
#ifndef MINIMIO_GROUP_WINDOWS_H
#define MINIMIO_GROUP_WINDOWS_H

#include <winsock2.h>

#include <windows.h>

#define GROUP_SOCKETS 32

struct group {
    HANDLE afd;
    unsigned used;
    struct group *next, *previous; /* of those that have room; a full one is on no list */
};

/* Takes a place in a group with room, which is on the list `*room`. Errors: afd_open's, -ENOMEM. */
int group_take(struct group **room, HANDLE port, struct group **ret_group);

/* Gives the place back; with the last one goes the handle. */
void group_release(struct group **room, struct group *group);

#endif
