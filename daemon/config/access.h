/* SPDX-License-Identifier: MIT */
/*
 * Who may connect, beyond what the socket file's mode says, and who may hand over descriptors. Root and the daemon's
 * own user always may do both.
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

/* All zero: everybody whom the socket's mode lets in may connect, and nobody else may hand over descriptors. */
struct access_rules {
    struct id_list users, groups;
    bool unmapped_users; /* sessions of the overflow uid are let in like those of any other uid */
    struct id_list descriptor_users, descriptor_groups;
};

void access_deinit(struct access_rules *access);

/*
 * Adds a user or a group to a list by its name or number; asks the system's user database for names, and waits for it.
 * Errors: -ENOENT, there is none of that name; -ENOMEM.
 */
int access_add_user(struct id_list *users, const char *name);
int access_add_group(struct id_list *groups, const char *name);

/* Who is at the other end of a Unix socket, by the kernel's word. Unknown: uid and gid are -1. */
struct ucred access_peer(int fd);

/* Whether the peer, who is at the other end of `fd`, is one of them, by itself or by any of its groups. */
bool access_allows(const struct access_rules *access, const struct ucred *peer, int fd);

/* The rule in what is denied to a peer that may not hand over descriptors. */
#define ACCESS_DESCRIPTORS_RULE "descriptors"

void access_deny_descriptors(struct fault *ret_fault);

/* Whether that peer may hand over descriptors. */
bool access_allows_descriptors(const struct access_rules *access, const struct ucred *peer, int fd);

#endif
