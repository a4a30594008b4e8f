/* SPDX-License-Identifier: MIT */
/*
 * Lists of users and groups, and the check of a peer against the lists. Calls the user database, which may block.
 */
#include "daemon/config/access.h"

#include "proto/number.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_INLINE 64 /* more than most users have */

void access_deinit(struct access_rules *access)
{
    free(access->users.list);
    free(access->groups.list);
    free(access->descriptor_users.list);
    free(access->descriptor_groups.list);
    *access = (struct access_rules){0};
}

static int add_id(struct id_list *ids, unsigned id)
{
    unsigned *grown = reallocarray(ids->list, ids->count + 1, sizeof *grown);

    if (!grown)
        return -ENOMEM;
    grown[ids->count++] = id;
    ids->list = grown;
    return 0;
}

/* Rejects UINT32_MAX: -1 means "no user" in system calls. */
static int parse_id(const char *text, unsigned *ret_id)
{
    uint64_t id;

    if (number_parse(text, 10, UINT32_MAX - 1, &id) < 0)
        return -ENOENT;
    *ret_id = (unsigned)id;
    return 0;
}

/* A name takes precedence over a number, as in chown(1). */
int access_add_user(struct id_list *users, const char *name)
{
    const struct passwd *user = getpwnam(name);
    unsigned id;

    if (user)
        return add_id(users, user->pw_uid);
    return parse_id(name, &id) < 0 ? -ENOENT : add_id(users, id);
}

int access_add_group(struct id_list *groups, const char *name)
{
    const struct group *group = getgrnam(name);
    unsigned id;

    if (group)
        return add_id(groups, group->gr_gid);
    return parse_id(name, &id) < 0 ? -ENOENT : add_id(groups, id);
}

static bool contains(const struct id_list *ids, unsigned id)
{
    for (size_t i = 0; i < ids->count; i++)
        if (ids->list[i] == id)
            return true;
    return false;
}

struct ucred access_peer(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        return (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
    return peer;
}

static bool contains_any(const struct id_list *ids, const gid_t *groups, socklen_t length)
{
    for (size_t i = 0; i < length / sizeof *groups; i++)
        if (contains(ids, groups[i]))
            return true;
    return false;
}

/* Whether a supplementary group of the peer, at the time of connect(), is in the list. */
static bool has_group(const struct id_list *ids, int fd)
{
    gid_t near[GROUPS_INLINE], *many;
    socklen_t length = sizeof near;
    bool found = false;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, near, &length) == 0)
        return contains_any(ids, near, length);
    if (errno != ERANGE) /* ERANGE: `length` is now the needed size */
        return false;
    many = malloc(length);
    if (many && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &length) == 0)
        found = contains_any(ids, many, length);
    free(many);
    return found;
}

/* Whether the peer is root, the daemon's user, or in a list. */
static bool is_listed(const struct id_list *users, const struct id_list *groups, const struct ucred *peer, int fd)
{
    if (peer->uid == (uid_t)-1)
        return false;
    if (peer->uid == 0 || peer->uid == geteuid() || contains(users, peer->uid))
        return true;
    return groups->count && (contains(groups, peer->gid) || has_group(groups, fd));
}

bool access_allows(const struct access_rules *access, const struct ucred *peer, int fd)
{
    if (!access->users.count && !access->groups.count)
        return true;
    return is_listed(&access->users, &access->groups, peer, fd);
}

void access_deny_descriptors(struct fault *ret_fault)
{
    fault_set(ret_fault, FAULT_DENIED,
              "this daemon's operator has not listed this user or its groups in [access] descriptors-users or "
              "descriptors-groups: it may not hand over descriptors");
    strcpy(ret_fault->rule, ACCESS_DESCRIPTORS_RULE);
}

bool access_allows_descriptors(const struct access_rules *access, const struct ucred *peer, int fd)
{
    return is_listed(&access->descriptor_users, &access->descriptor_groups, peer, fd);
}
