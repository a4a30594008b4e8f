/* SPDX-License-Identifier: MIT */
/* The table of methods: whole, sound, and found by name. */
#include "proto/methods.h"

#include <check.h>
#include <errno.h>
#include <string.h>

Suite *unit_methods_suite(void);

static struct span span(const char *text)
{
    return (struct span){text, strlen(text)};
}

START_TEST(methods_are_found_by_their_names)
{
    for (int i = 0; i < METHOD_COUNT; i++) {
        ck_assert_ptr_nonnull(method_table[i].name);
        ck_assert_int_eq(method_find(span(method_table[i].name)), i);
    }
    ck_assert_int_eq(method_find(span("Ping")), -ENOENT);
    ck_assert_int_eq(method_find(span("pin")), -ENOENT);
    ck_assert_int_eq(method_find(span("pings")), -ENOENT);
    ck_assert_int_eq(method_find(span("")), -ENOENT);
}
END_TEST

START_TEST(some_need_a_loop)
{
    static const char *const without[] = {"hello", "ping", "open_loop", "loops", "cancel", "stats", "rpc.discover"};
    int count = 0;

    for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++)
        ck_assert(!method_table[method_find(span(without[i]))].needs_loop);
    for (int i = 0; i < METHOD_COUNT; i++)
        count += method_table[i].needs_loop;
    ck_assert_int_eq(count, METHOD_COUNT - 7);
}
END_TEST

static void require_sound_param(const struct param_info *info)
{
    ck_assert_ptr_nonnull(info->name);
    ck_assert_ptr_nonnull(info->summary);
    ck_assert_uint_gt(strlen(info->summary), 10);
    ck_assert_uint_lt(info->offset, sizeof(struct params));
    if (info->type == PARAM_INTEGER)
        ck_assert(info->min < info->max && info->max <= INTEGER_MAX && info->default_value <= info->max);
    if (info->type == PARAM_TEXT)
        ck_assert(info->min <= info->max && info->max > 0);
    if (info->type == PARAM_NAME)
        ck_assert(info->min == 1 && info->max == NAME_MAX_BYTES);
    if (info->type == PARAM_CHOICE || info->type == PARAM_INTERESTS)
        ck_assert_ptr_nonnull(info->choices);
}

START_TEST(params_are_sound)
{
    for (int i = 0; i < METHOD_COUNT; i++) {
        const struct method_info *method = &method_table[i];

        ck_assert_uint_gt(strlen(method->summary), 10);
        ck_assert_uint_le(method->param_count, PARAMS_MAX);
        for (size_t k = 0; k < method->param_count; k++) {
            require_sound_param(&method->params[k]);
            ck_assert(!method->params[k].required || k == 0 || method->params[k - 1].required);
            for (size_t m = 0; m < k; m++) {
                ck_assert_str_ne(method->params[k].name, method->params[m].name);
                ck_assert_uint_ne(method->params[k].offset, method->params[m].offset);
            }
        }
    }
}
END_TEST

START_TEST(positions_of_register)
{
    static const char *const names[] = {"token",      "address", "fd",        "interests", "mode",
                                        "timeout_ms", "nodelay", "keepalive", "ensure"};
    const struct method_info *method = &method_table[METHOD_REGISTER];

    ck_assert_uint_eq(method->param_count, sizeof(names) / sizeof(*names));
    for (size_t i = 0; i < method->param_count; i++)
        ck_assert_str_eq(method->params[i].name, names[i]);
}
END_TEST

START_TEST(given_is_told_by_the_method)
{
    struct params params = {.given = 1u << 4};

    ck_assert(params_given(METHOD_REGISTER, &params, offsetof(struct params, mode)));
    ck_assert(!params_given(METHOD_REGISTER, &params, offsetof(struct params, token)));
    ck_assert(!params_given(METHOD_PING, &params, offsetof(struct params, mode)));
    params.given = 1u << 2;
    ck_assert(params_given(METHOD_REREGISTER, &params, offsetof(struct params, mode)));
}
END_TEST

START_TEST(names_stand_where_their_numbers_say)
{
    ck_assert_str_eq(mode_names[MODE_ONESHOT], "oneshot");
    ck_assert_str_eq(mode_names[MODE_EDGE], "edge");
    ck_assert_str_eq(mode_names[MODE_LEVEL], "level");
    ck_assert_ptr_null(mode_names[3]);
    ck_assert_ptr_null(interest_names[2]);
    ck_assert_ptr_null(readiness_names[6]);
    for (int i = 0; interest_names[i]; i++)
        ck_assert_str_eq(interest_names[i], readiness_names[i]);
    ck_assert_str_eq(readiness_names[__builtin_ctz(READY_READ_CLOSED)], "read_closed");
    ck_assert_str_eq(readiness_names[__builtin_ctz(READY_ERROR)], "error");
}
END_TEST

Suite *unit_methods_suite(void)
{
    Suite *suite = suite_create("unit_methods");
    TCase *tests = tcase_create("methods");

    tcase_add_test(tests, methods_are_found_by_their_names);
    tcase_add_test(tests, some_need_a_loop);
    tcase_add_test(tests, params_are_sound);
    tcase_add_test(tests, positions_of_register);
    tcase_add_test(tests, given_is_told_by_the_method);
    tcase_add_test(tests, names_stand_where_their_numbers_say);
    suite_add_tcase(suite, tests);
    return suite;
}
