/* SPDX-License-Identifier: MIT */
/* Where the socket is, by option and environment. */
#include "proto/socket_path.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *socket_path_suite(void);

static char path[SOCKET_PATH_SIZE];

static void set_up(void)
{
    unsetenv("MINIMIO_SOCKET");
    unsetenv("XDG_RUNTIME_DIR");
    strcpy(path, "untouched");
}

/* Without variables; tests/clients/places.sh has all users and folders. */
static const char *of_this_user(void)
{
    static char own[SOCKET_PATH_SIZE];
    char folder[SOCKET_PATH_SIZE];

    if (geteuid() == 0 || !runtime_folder(folder, sizeof(folder)))
        return "/run/minimio/minimio.sock";
    snprintf(own, sizeof(own), "%.80s/minimio.sock", folder);
    return own;
}

START_TEST(the_first_that_is_set_counts)
{
    ck_assert_int_eq(socket_path_to_listen(NULL, path, sizeof(path)), 0);
    ck_assert_str_eq(path, of_this_user());
    setenv("XDG_RUNTIME_DIR", "/run/user/1000", 1);
    ck_assert_int_eq(socket_path_to_listen(NULL, path, sizeof(path)), 0);
    ck_assert_str_eq(path, "/run/user/1000/minimio.sock");
    ck_assert_int_eq(socket_path(NULL, path, sizeof(path)), 0);
    ck_assert_str_eq(path, "/run/user/1000/minimio.sock");
    setenv("MINIMIO_SOCKET", "here.sock", 1);
    ck_assert_int_eq(socket_path(NULL, path, sizeof(path)), 0);
    ck_assert_str_eq(path, "here.sock");
    ck_assert_int_eq(socket_path("there.sock", path, sizeof(path)), 0);
    ck_assert_str_eq(path, "there.sock");
}
END_TEST

START_TEST(empty_is_unset_in_the_environment_and_wrong_as_an_option)
{
    setenv("MINIMIO_SOCKET", "", 1);
    setenv("XDG_RUNTIME_DIR", "", 1);
    ck_assert_int_eq(socket_path("", path, sizeof(path)), -EINVAL);
    ck_assert_str_eq(path, "untouched");
    ck_assert_int_eq(socket_path_to_listen(NULL, path, sizeof(path)), 0);
    ck_assert_str_eq(path, of_this_user());
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    char text[SOCKET_PATH_SIZE + 1];
    char large[2 * SOCKET_PATH_SIZE];

    memset(text, 'x', sizeof(text));
    text[SOCKET_PATH_SIZE] = '\0';
    ck_assert_int_eq(socket_path(text, large, sizeof(large)), -ENAMETOOLONG);
    ck_assert_int_eq(socket_path("12345", path, 5), -ENAMETOOLONG);
    ck_assert_str_eq(path, "untouched");
    text[SOCKET_PATH_SIZE - 1] = '\0';
    ck_assert_int_eq(socket_path(text, path, sizeof(path)), 0);
    setenv("XDG_RUNTIME_DIR", text, 1);
    ck_assert_int_eq(socket_path(NULL, path, sizeof(path)), -ENAMETOOLONG);
}
END_TEST

Suite *socket_path_suite(void)
{
    Suite *suite = suite_create("socket_path");
    TCase *tests = tcase_create("socket path");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, the_first_that_is_set_counts);
    tcase_add_test(tests, empty_is_unset_in_the_environment_and_wrong_as_an_option);
    tcase_add_test(tests, what_does_not_fit_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
