/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that an exec passes to the next binary.
 *
 * Owns nothing. Calls fcntl(2).
 */
#ifndef MINIMIO_DAEMON_BASE_INHERITED_H
#define MINIMIO_DAEMON_BASE_INHERITED_H

#include <stdbool.h>

/* Clears or sets close-on-exec: an inherited descriptor is open in the next binary. Error: negative errno. */
int inherited_set(int fd, bool inherited);

/*
 * Whether the previous binary left this descriptor open. Sets close-on-exec on success, so no descriptor is claimed
 * twice, and no descriptor opened by this process is ever claimed.
 */
bool inherited_claim(int fd);

#endif
