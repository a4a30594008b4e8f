/* SPDX-License-Identifier: MIT */
/*
 * In place of daemon/connect/names_link.c: names that are looked up by no process, and found when the input says so.
 */
#ifndef MINIMIO_FUZZ_NAMES_H
#define MINIMIO_FUZZ_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Answers the oldest lookup, at the reactor's next turn, with the addresses that `kinds` names, each in both families:
 * '1' the loopback, '2' another one of it, 'd' one that the rules deny; 'x' ends the process that looks up names; none
 * at all is a failure. False: nothing is looked up.
 */
bool names_found(const char *kinds, size_t length);

#endif
