/* SPDX-License-Identifier: MIT */
/* The library as others find it: its names, its manual, and programs that are built against what was installed. */
#include "tests/process.h"

#include <check.h>

Suite *installed_suite(void);

#define SCRIPT_TIMEOUT_MS 200000 /* they compile, and run under sanitizers too */

static void assert_script_succeeds(const char *path)
{
    const char *const arguments[] = {path, NULL};
    struct process process;

    process_start(&process, false, arguments);
    int code = process_wait(&process, SCRIPT_TIMEOUT_MS);
    ck_assert_msg(code == 0, "%s ended with %d: %s", path, code, process.err.text);
    process_free(&process);
}

START_TEST(only_the_public_names_are_exported)
{
    assert_script_succeeds("tests/installed/exports.sh");
}
END_TEST

START_TEST(each_public_name_is_documented)
{
    assert_script_succeeds("tests/installed/documented.sh");
}
END_TEST

START_TEST(each_promise_names_its_tests)
{
    assert_script_succeeds("tests/installed/promises.sh");
}
END_TEST

START_TEST(what_is_built_is_hardened)
{
    assert_script_succeeds("tests/installed/hardened.sh");
}
END_TEST

START_TEST(dependencies_are_installed_with_consent)
{
    assert_script_succeeds("tests/installed/deps.py");
}
END_TEST

START_TEST(what_is_installed_can_be_uninstalled)
{
    assert_script_succeeds("tests/installed/install.sh");
}
END_TEST

START_TEST(programs_are_built_against_the_installed_library)
{
    assert_script_succeeds("tests/installed/programs.sh");
}
END_TEST

Suite *installed_suite(void)
{
    Suite *suite = suite_create("installed");
    TCase *tests = tcase_create("installed");

    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, only_the_public_names_are_exported);
    tcase_add_test(tests, each_public_name_is_documented);
    tcase_add_test(tests, each_promise_names_its_tests);
    tcase_add_test(tests, what_is_built_is_hardened);
    tcase_add_test(tests, dependencies_are_installed_with_consent);
    tcase_add_test(tests, what_is_installed_can_be_uninstalled);
    tcase_add_test(tests, programs_are_built_against_the_installed_library);
    suite_add_tcase(suite, tests);
    return suite;
}
