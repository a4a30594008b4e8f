/* SPDX-License-Identifier: MIT */
/* A descriptor whose close() does not return, not even when the process that closes it is killed. */
#ifndef MINIMIO_TESTS_STUCK_H
#define MINIMIO_TESTS_STUCK_H

#include <sys/types.h>

/*
 * The writing end of a pipe. A process reads from the pipe into a page that it is never given, and so keeps the pipe
 * locked. Returns -1, and says so, where that cannot be had: it takes root, or a machine that allows it to others.
 */
int stuck_open(pid_t *ret_holder);

/* Ends that process, and with it the waiting. */
void stuck_end(pid_t holder);

#endif
