/* SPDX-License-Identifier: MIT */
/* What is tested from shells: completions, the clients to copy, the recipes. A script whose programs are missing says
 * so, and is skipped. */
#include "tests/process.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *client_scripts_suite(void);

#define SCRIPT_TIMEOUT_MS 100000

static void assert_succeeds(const char *script, const char *argument)
{
    const char *const arguments[] = {script, argument, NULL};
    struct process process;
    int code;

    process_start(&process, false, arguments);
    code = process_wait(&process, SCRIPT_TIMEOUT_MS);
    argument = argument ? argument : "";
    ck_assert_msg(code == 0, "%s %s ended with %d: %s%s", script, argument, code, process.out.text, process.err.text);
    if (strncmp(process.out.text, "skipped", 7) == 0)
        fprintf(stderr, "%s %s: %s", script, argument, process.out.text);
    process_free(&process);
}

static const char *const shells[] = {"bash", "zsh", "fish"};

START_TEST(command_lines_are_completed)
{
    assert_succeeds("tests/clients/completions.sh", shells[_i]);
}
END_TEST

static const char *const clients[] = {"c", "py", "asyncio", "js", "sh", "pl"};

START_TEST(clients_to_copy_work)
{
    assert_succeeds("tests/clients/examples.sh", clients[_i]);
}
END_TEST

static const char *const recipes[] = {"services", "redis", "many"};

START_TEST(recipes_work)
{
    assert_succeeds("tests/clients/recipes.sh", recipes[_i]);
}
END_TEST

START_TEST(minimioctl_has_manners)
{
    assert_succeeds("tests/clients/manners.sh", NULL);
}
END_TEST

static const char *const top_themes[] = {
    "plain",
    "shows_nothing_of_itself",
    "shows_and_sorts",
    "scrolls",
    "fits_narrow_screens",
    "survives_restarts",
    "leaves_the_terminal_as_it_was",
    "stops_and_goes_on",
    "draws_no_lies",
};

START_TEST(top_works_on_a_terminal)
{
    assert_succeeds("tests/clients/top.py", top_themes[_i]);
}
END_TEST

START_TEST(the_readme_s_screens_are_true)
{
    assert_succeeds("scripts/screens.sh", "--check");
}
END_TEST

Suite *client_scripts_suite(void)
{
    Suite *suite = suite_create("client_scripts");
    TCase *tests = tcase_create("scripts");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, command_lines_are_completed, 0, 3);
    tcase_add_loop_test(tests, clients_to_copy_work, 0, 6);
    tcase_add_loop_test(tests, recipes_work, 0, 3);
    tcase_add_loop_test(tests, top_works_on_a_terminal, 0, sizeof(top_themes) / sizeof(top_themes[0]));
    tcase_add_test(tests, minimioctl_has_manners);
    tcase_add_test(tests, the_readme_s_screens_are_true);
    suite_add_tcase(suite, tests);
    return suite;
}
