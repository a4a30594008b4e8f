/* SPDX-License-Identifier: MIT */
/* The limits' names, defaults and ranges. */
#include "proto/limits.h"

#include <check.h>
#include <errno.h>
#include <string.h>

Suite *unit_limits_suite(void);

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

START_TEST(names_and_defaults_are_those_of_the_protocol)
{
    static const struct {
        const char *name;
        uint32_t default_value;
    } expected[] = {
        {"message_bytes", 262144},
        {"message_depth", 32},
        {"message_values", 16384},
        {"batch", 64},
        {"id_bytes", 256},
        {"line_bytes", 65536},
        {"output_bytes", 65536},
        {"sessions", 1024},
        {"sessions_uid", 256},
        {"registrations", 0},
        {"registrations_uid", 0},
        {"loops_uid", 256},
        {"descriptors_message", 16},
        {"descriptors_unclaimed", 64},
        {"descriptors_uid", 0},
        {"descriptors_unread", 0},
        {"descriptors_unread_uid", 0},
        {"lookups", 32},
        {"lookups_uid", 16},
        {"lookups_waiting_uid", 4096},
        {"linger_ms", 86400000},
    };
    struct limits limits;

    limits_init(&limits);
    ck_assert_uint_eq(limit_count, sizeof(expected) / sizeof(*expected));
    ck_assert_uint_eq(limit_count * sizeof(uint32_t), sizeof(limits));
    for (size_t i = 0; i < limit_count; i++) {
        ck_assert_str_eq(limit_table[i].name, expected[i].name);
        ck_assert_uint_eq(limits_get(&limits, &limit_table[i]), expected[i].default_value);
    }
    ck_assert_uint_eq(limits.message_depth, 32);
}
END_TEST

START_TEST(every_limit_is_set_within_its_range_alone)
{
    for (size_t i = 0; i < limit_count; i++) {
        const struct limit_info *info = &limit_table[i];
        struct limits limits;

        limits_init(&limits);
        ck_assert_uint_le(info->min, info->max);
        ck_assert_int_eq(limits_set(&limits, span(info->name), info->min), 0);
        ck_assert_uint_eq(limits_get(&limits, info), info->min);
        ck_assert_int_eq(limits_set(&limits, span(info->name), info->max), 0);
        ck_assert_uint_eq(limits_get(&limits, info), info->max);
        ck_assert_int_eq(limits_set(&limits, span(info->name), info->min - UINT64_C(1)), -ERANGE);
        ck_assert_int_eq(limits_set(&limits, span(info->name), info->max + UINT64_C(1)), -ERANGE);
        ck_assert_int_eq(limits_set(&limits, span(info->name), (UINT64_C(1) << 32) + info->min), -ERANGE);
        ck_assert_uint_eq(limits_get(&limits, info), info->max);
    }
}
END_TEST

START_TEST(unknown_names_are_refused)
{
    struct limits limits;

    limits_init(&limits);
    ck_assert_int_eq(limits_set(&limits, span("session"), 5), -ENOENT);
    ck_assert_int_eq(limits_set(&limits, span("sessions_"), 5), -ENOENT);
    ck_assert_int_eq(limits_set(&limits, span(""), 5), -ENOENT);
    ck_assert_int_eq(limits_set(&limits, (struct span){0}, 5), -ENOENT);
    ck_assert_int_eq(limits_set(&limits, (struct span){"sessions=5", 8}, 5), 0);
    ck_assert_uint_eq(limits.sessions, 5);
}
END_TEST

Suite *unit_limits_suite(void)
{
    Suite *suite = suite_create("unit_limits");
    TCase *tests = tcase_create("limits");

    tcase_add_test(tests, names_and_defaults_are_those_of_the_protocol);
    tcase_add_test(tests, every_limit_is_set_within_its_range_alone);
    tcase_add_test(tests, unknown_names_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
