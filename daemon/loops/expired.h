/* SPDX-License-Identifier: MIT */
/*
 * The names of the last loops that have ended by the linger time, to tell a late client.
 *
 * Owns the names. Calls no module.
 */
#ifndef MINIMIO_DAEMON_LOOPS_EXPIRED_H
#define MINIMIO_DAEMON_LOOPS_EXPIRED_H

#include "proto/methods.h"

#include <stdint.h>
#include <sys/types.h>

#define EXPIRED_NAMES  1024    /* of all users; the oldest is replaced */
#define EXPIRED_AGE_MS 3600000 /* older names are not found */

struct expired_names {
    uint32_t next; /* the place of the next name */
    struct expired_name {
        int64_t at_ms; /* on the timers' clock */
        uid_t uid;
        char name[NAME_MAX_BYTES + 1]; /* "": none */
    } names[EXPIRED_NAMES];
};

void expired_init(struct expired_names *names);

/* Adds the name of a loop of this user that ends. `now_ms`: on the timers' clock. */
void expired_add(struct expired_names *names, const char *name, uid_t uid, int64_t now_ms);

/* Forgets the name: a later loop with this name of this user was closed, and did not expire. */
void expired_forget(struct expired_names *names, const char *name, uid_t uid);

/* Returns the time since the last loop of this user with the name has ended, in ms. -ENOENT: unknown. */
int64_t expired_find(const struct expired_names *names, const char *name, uid_t uid, int64_t now_ms);

#endif
