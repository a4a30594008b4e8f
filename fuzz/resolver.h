/* SPDX-License-Identifier: MIT */
/*
 * In place of daemon/resolver.c: names that are looked up at nobody's, and found when the input says so.
 */
#ifndef MINIMIO_FUZZ_RESOLVER_H
#define MINIMIO_FUZZ_RESOLVER_H

#include "daemon/resolver.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Answers the oldest lookup with the addresses that `kinds` names, at the reactor's next turn: '1' the loopback, '2'
 * another one of it, 'd' one that the rules deny; none at all is a failure. False: nothing is looked up.
 */
bool resolver_answer(struct resolver *resolver, const char *kinds, size_t length);

#endif
