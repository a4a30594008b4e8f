/* SPDX-License-Identifier: MIT */
/* Numbers in options, settings and variables: digits alone, and never a value that was cut. */
#include "proto/number.h"

#include <check.h>
#include <errno.h>

Suite *unit_number_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
    const char *text;
    unsigned base;
    uint64_t max, value;
} numbers[] = {
    {"0", 10, 0, 0},
    {"7", 10, 7, 7},
    {"0007", 10, 7, 7},
    {"00000000000000000000000000000042", 10, 42, 42},
    {"4294967295", 10, UINT32_MAX, UINT32_MAX},
    {"18446744073709551615", 10, UINT64_MAX, UINT64_MAX},
    {"0660", 8, 0777, 0660},
    {"777", 8, 0777, 0777},
    {"1777777777777777777777", 8, UINT64_MAX, UINT64_MAX},
};

START_TEST(digits_are_read)
{
    uint64_t value = 99;

    ck_assert_int_eq(number_parse(numbers[_i].text, numbers[_i].base, numbers[_i].max, &value), 0);
    ck_assert_uint_eq(value, numbers[_i].value);
}
END_TEST

static const struct {
    const char *text;
    unsigned base;
    uint64_t max;
    int error;
} faults[] = {
    {"", 10, 9, -EINVAL},
    {" 1", 10, 9, -EINVAL},
    {"1 ", 10, 9, -EINVAL},
    {"1\n", 10, 9, -EINVAL},
    {"+1", 10, 9, -EINVAL},
    {"-1", 10, 9, -EINVAL},
    {"0x1", 10, 9, -EINVAL},
    {"1e1", 10, 99, -EINVAL},
    {"1.0", 10, 9, -EINVAL},
    {"\xd9\xa1", 10, 9, -EINVAL}, /* an Arabic digit one */
    {"99999999999999999999x", 10, 9, -EINVAL},
    {"8", 8, 0777, -EINVAL},
    {"0668", 8, 0777, -EINVAL},
    {"1", 10, 0, -ERANGE},
    {"8", 10, 7, -ERANGE},
    {"10", 10, 9, -ERANGE},
    {"1000", 8, 0777, -ERANGE},
    {"4294967296", 10, UINT32_MAX, -ERANGE},
    {"18446744073709551616", 10, UINT64_MAX, -ERANGE},
    {"18446744073709551620", 10, UINT64_MAX, -ERANGE},
    {"2000000000000000000000", 8, UINT64_MAX, -ERANGE},
    {"184467440737095516160000000000000000000", 10, UINT64_MAX, -ERANGE},
};

START_TEST(other_texts_are_refused)
{
    uint64_t value = 99;

    ck_assert_int_eq(number_parse(faults[_i].text, faults[_i].base, faults[_i].max, &value), faults[_i].error);
    ck_assert_uint_eq(value, 99);
}
END_TEST

Suite *unit_number_suite(void)
{
    Suite *suite = suite_create("unit_number");
    TCase *tests = tcase_create("numbers");

    tcase_add_loop_test(tests, digits_are_read, 0, LENGTH(numbers));
    tcase_add_loop_test(tests, other_texts_are_refused, 0, LENGTH(faults));
    suite_add_tcase(suite, tests);
    return suite;
}
