/* SPDX-License-Identifier: MIT */
/*
 * What must hold whatever the input is: where it does not, the process ends in the way that every fuzzer takes for a
 * finding.
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
