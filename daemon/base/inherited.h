/* SPDX-License-Identifier: MIT */
/* Descriptors that cross an exec. */
#ifndef MINIMIO_DAEMON_BASE_INHERITED_H
#define MINIMIO_DAEMON_BASE_INHERITED_H

#include <stdbool.h>

/* Has the next binary inherit the descriptor, or not. Error: negative errno. */
int inherited_set(int fd, bool inherited);

/*
 * Whether the binary before has left this descriptor, which is close-on-exec from then on: so no descriptor is claimed
 * twice, nor one that this process has opened itself.
 */
bool inherited_claim(int fd);

#endif
