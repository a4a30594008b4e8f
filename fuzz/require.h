/* SPDX-License-Identifier: MIT */
/*
 * Checks that must hold for every input. A failed check aborts the process, which every fuzzer records as a finding.
 */
#ifndef MINIMIO_FUZZ_REQUIRE_H
#define MINIMIO_FUZZ_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
