/* SPDX-License-Identifier: MIT */
/*
 * Who may connect, beyond what the socket file's mode says. Root and the daemon's own user always may.
 */
#ifndef MINIMIO_DAEMON_ACCESS_H
#define MINIMIO_DAEMON_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

struct id_list {
    unsigned *list;
    size_t count;
};

/* All zero: everybody whom the socket's mode lets in. */
struct access_rules {
    struct id_list users, groups;
    bool unmapped_users; /* sessions of the overflow uid are let in like those of any other uid */
};

void access_deinit(struct access_rules *access);

/*
 * Adds a user or a group by its name or number; asks the system's user database for names, and waits for it.
 * Errors: -ENOENT, there is none of that name; -ENOMEM.
 */
int access_add_user(struct access_rules *access, const char *name);
int access_add_group(struct access_rules *access, const char *name);

/* Who is at the other end of a Unix socket, by the kernel's word. Unknown: uid and gid are -1. */
struct ucred access_peer(int fd);

/* Whether the peer, who is at the other end of `fd`, is one of them, by itself or by any of its groups. */
bool access_allows(const struct access_rules *access, const struct ucred *peer, int fd);

#endif
