/* SPDX-License-Identifier: MIT */
/*
 * Cases that a backend does not have, each with the reason, which the run prints: there is one suite for all backends,
 * and what one of them leaves out is to be seen.
 */
#ifndef MINIMIO_TESTS_LIBRARY_SKIPS_H
#define MINIMIO_TESTS_LIBRARY_SKIPS_H

#include <stdbool.h>

/* At the top of a case: it ends here on that backend. */
#define SKIP_ON(backend, reason)                                                                                       \
    do {                                                                                                               \
        if (skip_on(backend, __func__, reason))                                                                        \
            return;                                                                                                    \
    } while (0)

/* In the place of a case that does not compile there. */
#define ABSENT_TEST(name, backend, reason)                                                                             \
    START_TEST(name)                                                                                                   \
    {                                                                                                                  \
        SKIP_ON(backend, reason);                                                                                      \
        ck_abort_msg("absent on a backend that should have it");                                                       \
    }                                                                                                                  \
    END_TEST

/* Is `backend` the one under test? Then prints the skip, and appends it to the file that MINIMIO_SKIPS names. */
bool skip_on(const char *backend, const char *function, const char *reason);

#endif
