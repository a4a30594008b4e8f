/* SPDX-License-Identifier: MIT */
/* The descendants of this process: it is their subreaper, so that an orphan becomes its child. */
#ifndef MINIMIO_TESTS_FAMILY_H
#define MINIMIO_TESTS_FAMILY_H

#include <signal.h>

/* Waits a few seconds for the descendants to end, and kills those that are left, or all at once when one of `signals`
 * other than SIGCHLD comes, all of which are blocked. */
void family_end(const sigset_t *signals);

#endif
