/* SPDX-License-Identifier: MIT */
/*
 * In a user namespace that does not map every uid, the kernel reports the overflow uid (65534) for all unmapped users.
 * A peer with the overflow uid may be any unmapped user.
 */
#ifndef MINIMIO_DAEMON_CONFIG_USER_NAMESPACE_H
#define MINIMIO_DAEMON_CONFIG_USER_NAMESPACE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* The overflow uid, if several users may have the overflow uid. (uid_t)-1: every uid is mapped. If the kernel's files
 * cannot be read, which is logged, not every uid counts as mapped. */
uid_t user_namespace_overflow_uid(void);

/* Whether a text in the format of /proc/self/uid_map maps every uid. */
bool uid_map_is_full(FILE *map);

#endif
