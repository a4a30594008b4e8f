/* SPDX-License-Identifier: MIT */
/*
 * Users and groups that may connect, in addition to the mode of the socket file, and that may hand over descriptors.
 * Root and the daemon's user may always do both.
 */
#ifndef MINIMIO_DAEMON_CONFIG_ACCESS_H
#define MINIMIO_DAEMON_CONFIG_ACCESS_H

#include "proto/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

struct id_list {
    unsigned *list;
    size_t count;
};

/* Zero-initialized: all users with access to the socket file may connect; only root and the daemon's user may hand over
 * descriptors. */
struct access_rules {
    struct id_list users, groups;
    bool unmapped_users; /* accept sessions of the overflow uid */
    struct id_list descriptor_users, descriptor_groups;
};

void access_deinit(struct access_rules *access);

/*
 * Adds a user or group by name or number. Looks names up in the user database, which may block.
 * Errors: -ENOENT, unknown name; -ENOMEM.
 */
int access_add_user(struct id_list *users, const char *name);
int access_add_group(struct id_list *groups, const char *name);

/* The credentials of the peer of a Unix socket (SO_PEERCRED). Unknown: uid and gid are -1. */
struct ucred access_peer(int fd);

/* Whether the peer of `fd` may connect, by uid or by a group. */
bool access_allows(const struct access_rules *access, const struct ucred *peer, int fd);

/* data.rule of the fault for a peer that may not hand over descriptors. */
#define ACCESS_DESCRIPTORS_RULE "descriptors"

void access_deny_descriptors(struct fault *ret_fault);

/* Whether the peer may hand over descriptors. */
bool access_allows_descriptors(const struct access_rules *access, const struct ucred *peer, int fd);

#endif
