/* SPDX-License-Identifier: MIT */
/*
 * Reads the files of proto/vectors, whose format is told there. What fails here fails the test.
 */
#ifndef MINIMIO_TESTS_VECTORS_H
#define MINIMIO_TESTS_VECTORS_H

#include "proto/fault.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* As ck_assert_msg, for what is required a million times: Check's own writes to a pipe each time, held or not. */
#define REQUIRE(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg(__VA_ARGS__);                                                                                 \
    } while (0)

/* Calls `use` with each line of proto/vectors/FILE. */
void each_vector(const char *file, void (*use)(const cJSON *vector));

const char *vector_name(const cJSON *vector);

/* The input of a vector, in memory of exactly its length so that a read past its end shows. To be freed. */
char *vector_input(const cJSON *vector, size_t *ret_length);

/* A copy of exactly these bytes, never NULL. To be freed. */
char *exact_copy(const char *data, size_t length);

/* A member's text, or NULL; its number, or -1. */
const char *vector_text(const cJSON *vector, const char *member);
double vector_number(const cJSON *vector, const char *member);

/* Requires the fault that a vector names, with offset, limit, max and param as it has them. `how` tells the cuts. */
void require_fault(const cJSON *vector, const struct fault *fault, const char *how);

/* A fault without a message that tells nothing is no fault: each has a name, a message, and no stale text. */
void require_sound_fault(const struct fault *fault);

/* Does fail_alloc have its way? Not under valgrind, which brings its own allocator. */
bool allocations_can_fail(void);

/* Random numbers that a seed repeats: $MINIMIO_SEED, or one that is made up. It is printed. */
void seed_random(const char *what);
unsigned random_below(unsigned limit);

#endif
