/* SPDX-License-Identifier: MIT */
/* The library as others find it: its names, its manual, and programs that are built against what was installed. */
#include "tests/script.h"
#include "tests/skip.h"

#include <check.h>
#include <stdbool.h>

Suite *installed_suite(void);

#define SCRIPT_TIMEOUT_MS 200000 /* they compile, and run under sanitizers too */

static void run(const char *path)
{
    run_script((const char *const[]){path, NULL}, SCRIPT_TIMEOUT_MS);
}

/* Programs in C++ among them: the compiler has a C++ library for one C library. */
static bool has_compilers_libc(void)
{
#if defined(__GLIBC__) || !defined(__linux__)
    return true;
#else
    return false;
#endif
}

START_TEST(only_the_public_names_are_exported)
{
    run("tests/installed/exports.sh");
}
END_TEST

START_TEST(each_public_name_is_documented)
{
    run("tests/installed/documented.sh");
}
END_TEST

START_TEST(each_promise_names_its_tests)
{
    run("tests/installed/promises.sh");
}
END_TEST

START_TEST(what_is_built_is_hardened)
{
    TEST_NEEDS(has_compilers_libc(), "a C library with checks for _FORTIFY_SOURCE");
    run("tests/installed/hardened.sh");
}
END_TEST

START_TEST(dependencies_are_installed_with_consent)
{
    run("tests/installed/deps.py");
}
END_TEST

START_TEST(what_is_installed_can_be_uninstalled)
{
    TEST_NEEDS(has_compilers_libc(), "the C library of cc and c++");
    run("tests/installed/install.sh");
}
END_TEST

START_TEST(programs_are_built_against_the_installed_library)
{
    TEST_NEEDS(has_compilers_libc(), "the C library of cc and c++");
    run("tests/installed/programs.sh");
}
END_TEST

Suite *installed_suite(void)
{
    Suite *suite = suite_create("installed");
    TCase *names = tcase_create("names"), *programs = tcase_create("programs");

    tcase_set_timeout(names, 240);
    tcase_add_test(names, only_the_public_names_are_exported);
    tcase_add_test(names, each_public_name_is_documented);
    tcase_add_test(names, each_promise_names_its_tests);
    tcase_add_test(names, what_is_built_is_hardened);
    tcase_add_test(names, dependencies_are_installed_with_consent);
    suite_add_tcase(suite, names);
    tcase_set_timeout(programs, 240);
    tcase_add_test(programs, what_is_installed_can_be_uninstalled);
    tcase_add_test(programs, programs_are_built_against_the_installed_library);
    suite_add_tcase(suite, programs);
    return suite;
}
