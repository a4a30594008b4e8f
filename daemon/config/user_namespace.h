/* SPDX-License-Identifier: MIT */
/*
 * In a user namespace that does not map every uid, the kernel names all unmapped users by one uid, the overflow uid
 * (65534). A peer with that uid may be any of them.
 */
#ifndef MINIMIO_DAEMON_CONFIG_USER_NAMESPACE_H
#define MINIMIO_DAEMON_CONFIG_USER_NAMESPACE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* The overflow uid, if it can stand for more than one user here. (uid_t)-1: every uid is mapped. If the kernel's files
 * cannot be read, which is logged, not every uid counts as mapped. */
uid_t user_namespace_overflow_uid(void);

/* Whether a text in the format of /proc/self/uid_map maps every uid. */
bool uid_map_is_full(FILE *map);

#endif
