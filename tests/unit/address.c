/* SPDX-License-Identifier: MIT */
/* Addresses as text. */
#include "daemon/address.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

Suite *unit_address_suite(void);

static const char *const literals[] = {
    "0.0.0.0:1", "127.0.0.1:80",         "1.20.255.9:443", "255.255.255.255:65535",
    "[::1]:80",  "[2001:db8::ff]:65535", "[fe80::1%1]:53", "[::ffff:192.0.2.1]:7",
};

#define LITERALS ((int)(sizeof(literals) / sizeof(*literals)))

START_TEST(a_literal_is_formatted_as_it_was_written)
{
    struct span text = {literals[_i], strlen(literals[_i])};
    char formatted[ADDRESS_TEXT_MAX];
    union address address;
    struct target target;

    ck_assert_int_eq(target_parse(text, &target), 0);
    ck_assert_int_eq(target_literal(&target, &address), 0);
    address_format(&address.any, formatted);
    ck_assert_str_eq(formatted, literals[_i]);
}
END_TEST

START_TEST(another_family_has_no_text)
{
    struct sockaddr local = {.sa_family = AF_UNIX};
    char formatted[ADDRESS_TEXT_MAX] = "before";

    address_format(&local, formatted);
    ck_assert_str_eq(formatted, "");
}
END_TEST

Suite *unit_address_suite(void)
{
    Suite *suite = suite_create("unit_address");
    TCase *tests = tcase_create("text");

    tcase_add_loop_test(tests, a_literal_is_formatted_as_it_was_written, 0, LITERALS);
    tcase_add_test(tests, another_family_has_no_text);
    suite_add_tcase(suite, tests);
    return suite;
}
