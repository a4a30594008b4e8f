/* SPDX-License-Identifier: MIT */
/*
 * Replaces daemon/connect/names_link.c: no process looks names up; the input determines the answers.
 */
#ifndef MINIMIO_FUZZ_NAMES_H
#define MINIMIO_FUZZ_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Answers the oldest lookup, in the reactor's next turn, with the addresses in `kinds`, each in both families: '1' a
 * loopback address, '2' another loopback address, 'd' an address that the rules deny; 'x' ends the process that looks
 * names up; an empty `kinds` is a failure. False: no lookup is pending.
 */
bool names_found(const char *kinds, size_t length);

#endif
