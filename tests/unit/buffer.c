/* SPDX-License-Identifier: MIT */
/* The buffer: appending, consuming, its memory and the lack of it. */
#include "proto/buffer.h"
#include "tests/fail_alloc.h"
#include "tests/unit/vectors.h"

#include <check.h>
#include <stdint.h>
#include <string.h>

Suite *unit_buffer_suite(void);

static struct buffer buffer;

static void set_up(void)
{
    buffer_init(&buffer);
}

static void tear_down(void)
{
    buffer_deinit(&buffer);
}

static void require_bytes(const char *text)
{
    ck_assert_uint_eq(buffer.length, strlen(text));
    ck_assert(memcmp(buffer_bytes(&buffer), text, buffer.length) == 0);
}

START_TEST(empty_costs_nothing)
{
    buffer_append(&buffer, NULL, 0);
    buffer_append_text(&buffer, "");
    buffer_consume(&buffer, 0);
    buffer_truncate(&buffer, 0);
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.length, 0);
    buffer_deinit(NULL);
}
END_TEST

START_TEST(appends_and_consumes)
{
    buffer_append_text(&buffer, "hello ");
    buffer_append(&buffer, "world", 5);
    require_bytes("hello world");
    buffer_consume(&buffer, 6);
    require_bytes("world");
    buffer_append_text(&buffer, "!");
    require_bytes("world!");
    buffer_truncate(&buffer, 2);
    require_bytes("wo");
    buffer_consume(&buffer, 2);
    ck_assert_uint_eq(buffer.length, 0);
    ck_assert_uint_eq(buffer.start, 0);
}
END_TEST

START_TEST(reserves_room)
{
    char *end = buffer_reserve(&buffer, 3);

    ck_assert_ptr_nonnull(end);
    memcpy(end, "abc", 3);
    buffer_commit(&buffer, 2);
    require_bytes("ab");
    ck_assert_ptr_eq(buffer_reserve(&buffer, 1), end + 2);
}
END_TEST

/* What was consumed makes room for as much, and not for a byte more. */
START_TEST(room_is_used_again)
{
    size_t capacity, half;

    buffer_append(&buffer, "0123456789", 10);
    capacity = buffer.capacity;
    half = capacity / 2;
    while (buffer.length < capacity)
        buffer_append(&buffer, "x", 1);
    ck_assert_uint_eq(buffer.capacity, capacity);
    buffer_consume(&buffer, half);
    ck_assert_ptr_nonnull(buffer_reserve(&buffer, half));
    ck_assert_uint_eq(buffer.capacity, capacity);
    ck_assert_ptr_nonnull(buffer_reserve(&buffer, half + 1));
    ck_assert_uint_gt(buffer.capacity, capacity);
}
END_TEST

START_TEST(emptied_gives_large_memory_back)
{
    buffer_append_text(&buffer, "small");
    buffer_consume(&buffer, 5);
    ck_assert_ptr_nonnull(buffer.data);
    ck_assert_ptr_nonnull(buffer_reserve(&buffer, 5000));
    buffer_commit(&buffer, 5000);
    buffer_consume(&buffer, 4999);
    ck_assert_ptr_nonnull(buffer.data);
    buffer_consume(&buffer, 1);
    ck_assert_ptr_null(buffer.data);
    ck_assert_uint_eq(buffer.capacity, 0);
}
END_TEST

START_TEST(a_queue_keeps_its_memory_small)
{
    for (int i = 0; i < 100000; i++) {
        buffer_append(&buffer, "0123456789", 10);
        if (i >= 10)
            buffer_consume(&buffer, 10);
    }
    ck_assert_uint_le(buffer.capacity, 512);
}
END_TEST

START_TEST(holds_the_bytes_that_a_queue_would)
{
    unsigned char next_in = 0, next_out = 0;

    seed_random("buffer");
    for (int i = 0; i < 20000; i++) {
        unsigned char bytes[300];
        size_t count = random_below(sizeof(bytes));

        for (size_t k = 0; k < count; k++)
            bytes[k] = next_in++;
        buffer_append(&buffer, bytes, count);
        count = random_below((unsigned)buffer.length + 1);
        for (size_t k = 0; k < count; k++)
            REQUIRE((unsigned char)buffer_bytes(&buffer)[k] == next_out++, "byte %zu of round %d", k, i);
        buffer_consume(&buffer, count);
    }
}
END_TEST

START_TEST(failure_is_remembered_until_truncated)
{
    buffer_append_text(&buffer, "kept");
    ck_assert_ptr_null(buffer_reserve(&buffer, SIZE_MAX - 2));
    ck_assert(buffer_failed(&buffer));
    buffer_append_text(&buffer, "x");
    ck_assert_ptr_null(buffer_reserve(&buffer, 1));
    require_bytes("kept");
    buffer_truncate(&buffer, 4);
    ck_assert(!buffer_failed(&buffer));
    buffer_append_text(&buffer, "x");
    require_bytes("keptx");
    ck_assert_ptr_null(buffer_reserve(&buffer, SIZE_MAX / 2));
    ck_assert(buffer_failed(&buffer));
}
END_TEST

START_TEST(no_memory)
{
    static const char page[4000];

    if (!allocations_can_fail())
        return;
    buffer_append_text(&buffer, "kept");
    fail_alloc_after(1);
    buffer_append(&buffer, page, sizeof(page));
    fail_alloc_after(-1);
    ck_assert(buffer_failed(&buffer));
    require_bytes("kept");
    buffer_truncate(&buffer, 4);
    buffer_append(&buffer, page, sizeof(page));
    ck_assert_uint_eq(buffer.length, 4 + sizeof(page));
}
END_TEST

Suite *unit_buffer_suite(void)
{
    Suite *suite = suite_create("unit_buffer");
    TCase *tests = tcase_create("buffer");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, empty_costs_nothing);
    tcase_add_test(tests, appends_and_consumes);
    tcase_add_test(tests, reserves_room);
    tcase_add_test(tests, room_is_used_again);
    tcase_add_test(tests, emptied_gives_large_memory_back);
    tcase_add_test(tests, a_queue_keeps_its_memory_small);
    tcase_add_test(tests, holds_the_bytes_that_a_queue_would);
    tcase_add_test(tests, failure_is_remembered_until_truncated);
    tcase_add_test(tests, no_memory);
    suite_add_tcase(suite, tests);
    return suite;
}
