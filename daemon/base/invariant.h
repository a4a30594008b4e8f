/* SPDX-License-Identifier: MIT */
/*
 * Checks of the daemon's own state, in every build, also with NDEBUG. A violated invariant is a bug of the daemon. The
 * daemon logs the invariant and aborts: a daemon with a wrong state could answer the wrong client, or use freed memory.
 * The service manager starts the next daemon, which restores the recorded loops.
 *
 * Input of a client, a result of the kernel or a failed allocation is never an invariant.
 *
 * Owns nothing. Calls the log.
 */
#ifndef MINIMIO_DAEMON_BASE_INVARIANT_H
#define MINIMIO_DAEMON_BASE_INVARIANT_H

/* Checks a condition that is cheap to evaluate, in constant time and without side effects. */
#define INVARIANT(condition)                                                                                           \
    (__builtin_expect(!(condition), 0) ? invariant_violated(#condition, __FILE__, __LINE__) : (void)0)

/* Logs the condition and its place, and aborts. */
_Noreturn void invariant_violated(const char *condition, const char *file, int line) __attribute__((cold));

#endif
