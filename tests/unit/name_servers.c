/* SPDX-License-Identifier: MIT */
/* Lists of name servers, as they are written and as c-ares takes them. */
#include "daemon/name_servers.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>

Suite *unit_name_servers_suite(void);

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

static const struct {
    const char *text, *servers;
} right[] = {
    {"192.0.2.53", "192.0.2.53:53"},
    {"192.0.2.53:5353", "192.0.2.53:5353"},
    {"::1", "[::1]:53"},
    {"[::1]", "[::1]:53"},
    {"[2001:db8::53]:65535", "[2001:db8::53]:65535"},
    {" 192.0.2.53 ,\t::1,[::2]:1 ", "192.0.2.53:53,[::1]:53,[::2]:1"},
};

START_TEST(each_has_its_port)
{
    char *servers;

    ck_assert_int_eq(name_servers_read(right[_i].text, &servers), 0);
    ck_assert_str_eq(servers, right[_i].servers);
    free(servers);
}
END_TEST

static const char *const wrong[] = {
    "",
    " ",
    ",",
    "192.0.2.53,",
    ",192.0.2.53",
    "192.0.2.53,,::1",
    "192.0.2.53:0",
    "192.0.2.53:65536",
    "192.0.2.53:",
    "192.0.2.53:x",
    "192.0.2",
    "[192.0.2.53]",
    "[::1",
    "[::1]:",
    "[::1]:0",
    "name",
    "name:53",
    "localhost",
    "192.0.2.53 ::1",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

START_TEST(whatever_else_is_no_list)
{
    char *servers = NULL;

    ck_assert_msg(name_servers_read(wrong[_i], &servers) == -EINVAL, "'%s' became '%s'", wrong[_i], servers);
    ck_assert_ptr_null(servers);
}
END_TEST

Suite *unit_name_servers_suite(void)
{
    Suite *suite = suite_create("unit_name_servers");
    TCase *tests = tcase_create("lists");

    tcase_add_loop_test(tests, each_has_its_port, 0, LENGTH(right));
    tcase_add_loop_test(tests, whatever_else_is_no_list, 0, LENGTH(wrong));
    suite_add_tcase(suite, tests);
    return suite;
}
