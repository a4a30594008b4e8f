/* SPDX-License-Identifier: MIT */
#include "tests/unit/vectors.h"
#include "tests/fail_alloc.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t random_state;

void each_vector(const char *file, void (*use)(const cJSON *vector))
{
    char path[128];
    size_t size = 0, count = 0;
    char *line = NULL;
    FILE *stream;

    snprintf(path, sizeof(path), "proto/vectors/%s", file);
    stream = fopen(path, "re");
    ck_assert_msg(stream, "%s cannot be read: run the tests from the root of the repository", path);
    while (getline(&line, &size, stream) > 0) {
        cJSON *vector = cJSON_Parse(line);

        ck_assert_msg(vector, "%s:%zu is no JSON", path, count + 1);
        use(vector);
        cJSON_Delete(vector);
        count++;
    }
    free(line);
    fclose(stream);
    ck_assert_uint_gt(count, 20);
}

const char *vector_name(const cJSON *vector)
{
    const char *name = vector_text(vector, "name");

    ck_assert_ptr_nonnull(name);
    return name;
}

const char *vector_text(const cJSON *vector, const char *member)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(vector, member));
}

double vector_number(const cJSON *vector, const char *member)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(vector, member);

    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

char *exact_copy(const char *data, size_t length)
{
    char *copy = malloc(length ? length : 1);

    REQUIRE(copy, "out of memory");
    if (length)
        memcpy(copy, data, length);
    return copy;
}

static char *from_base64(const char *text, size_t *ret_length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *bytes = malloc(strlen(text) + 1);
    unsigned bits = 0, bit_count = 0;
    size_t length = 0;

    ck_assert_ptr_nonnull(bytes);
    for (; *text && *text != '='; text++) {
        const char *digit = strchr(digits, *text);

        ck_assert_ptr_nonnull(digit);
        bits = bits << 6 | (unsigned)(digit - digits);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[length++] = (char)(bits >> bit_count);
        }
    }
    *ret_length = length;
    return bytes;
}

static char *from_pieces(const cJSON *pieces, size_t *ret_length)
{
    const cJSON *piece;
    size_t length = 0;
    FILE *stream;
    char *text;

    stream = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(stream);
    cJSON_ArrayForEach(piece, pieces) {
        for (int i = 0; i < cJSON_GetArrayItem(piece, 1)->valueint; i++)
            fputs(cJSON_GetArrayItem(piece, 0)->valuestring, stream);
    }
    fclose(stream);
    *ret_length = length;
    return text;
}

char *vector_input(const cJSON *vector, size_t *ret_length)
{
    const cJSON *pieces = cJSON_GetObjectItemCaseSensitive(vector, "repeat");
    const char *text = vector_text(vector, "text");
    const char *base64 = vector_text(vector, "base64");
    char *whole, *exact;

    if (text) {
        *ret_length = strlen(text);
        return exact_copy(text, *ret_length);
    }
    ck_assert_msg(pieces || base64, "%s has no input", vector_name(vector));
    whole = pieces ? from_pieces(pieces, ret_length) : from_base64(base64, ret_length);
    exact = exact_copy(whole, *ret_length);
    free(whole);
    return exact;
}

void require_fault(const cJSON *vector, const struct fault *fault, const char *how)
{
    const char *name = vector_text(vector, "name");
    const char *limit = vector_text(vector, "limit");
    const char *param = vector_text(vector, "param");

    if (!name)
        name = how;
    require_sound_fault(fault);
    ck_assert_msg(strcmp(fault_text(fault->name), vector_text(vector, "error")) == 0, "%s (%s): %s, \"%s\"", name, how,
                  fault_text(fault->name), fault->message);
    ck_assert_msg(fault->offset == (int64_t)vector_number(vector, "offset"), "%s (%s): offset %" PRId64, name, how,
                  fault->offset);
    ck_assert_msg(!limit == !fault->limit && (!limit || strcmp(limit, fault->limit) == 0), "%s (%s): limit %s", name,
                  how, fault->limit ? fault->limit : "none");
    ck_assert_msg(!limit || fault->max == (uint64_t)vector_number(vector, "max"), "%s (%s): max %" PRIu64, name, how,
                  fault->max);
    ck_assert_msg(strcmp(param ? param : "", fault->param) == 0, "%s (%s): param %s", name, how, fault->param);
}

void require_sound_fault(const struct fault *fault)
{
    ck_assert_uint_lt(fault->name, FAULT_COUNT);
    ck_assert_uint_gt(strlen(fault->message), 5);
    ck_assert_str_eq(fault->reason, "");
    ck_assert_str_eq(fault->address, "");
    ck_assert_str_eq(fault->rule, "");
    ck_assert_int_eq(fault->error, 0);
}

bool allocations_can_fail(void)
{
    void *volatile memory; /* or the compiler does without */

    fail_alloc_after(1);
    memory = malloc(1);
    fail_alloc_after(-1);
    free(memory);
    return !memory;
}

void seed_random(const char *what)
{
    const char *given = getenv("MINIMIO_SEED");
    uint32_t seed = 1;

    if (given)
        seed = (uint32_t)strtoul(given, NULL, 10);
    else
        ck_assert_int_eq(getrandom(&seed, sizeof(seed), 0), sizeof(seed));
    printf("%s: MINIMIO_SEED=%" PRIu32 "\n", what, seed);
    fflush(stdout);
    random_state = seed;
}

/* splitmix64 */
unsigned random_below(unsigned limit)
{
    uint64_t word = random_state += UINT64_C(0x9e3779b97f4a7c15);

    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((word ^ word >> 31) % limit);
}
