/* SPDX-License-Identifier: MIT */
/* What is tested from shells: completions, the clients to copy, the recipes, the text of the protocol. */
#include "tests/script.h"
#include "tests/skip.h"

#include <check.h>

Suite *client_scripts_suite(void);

#define SCRIPT_TIMEOUT_MS 300000 /* a busy machine takes long */

static void run(const char *script, const char *argument)
{
    run_script((const char *const[]){script, argument, NULL}, SCRIPT_TIMEOUT_MS);
}

static const char *const shells[] = {"bash", "zsh", "fish"};

START_TEST(command_lines_are_completed)
{
    run("tests/clients/completions.sh", shells[_i]);
}
END_TEST

static const char *const clients[] = {"c", "py", "asyncio", "js", "sh", "pl"};

START_TEST(clients_to_copy_work)
{
    run("tests/clients/examples.sh", clients[_i]);
}
END_TEST

START_TEST(the_worker_to_copy_works)
{
    run("tests/clients/worker.sh", NULL);
}
END_TEST

static const char *const recipes[] = {"services", "redis", "many", "pool", "hold", "heartbeat", "checkout"};

START_TEST(recipes_work)
{
    run("tests/clients/recipes.sh", recipes[_i]);
}
END_TEST

START_TEST(minimioctl_has_manners)
{
    run("tests/clients/manners.sh", NULL);
}
END_TEST

START_TEST(signals_end_the_first_process_of_a_container)
{
    run("tests/clients/first_process.sh", NULL);
}
END_TEST

START_TEST(the_name_of_the_start_leads_to_the_next_binary)
{
    run("tests/clients/upgrades.sh", NULL);
}
END_TEST

START_TEST(sockets_that_were_passed_are_used_or_an_error)
{
    run("tests/clients/passed_sockets.py", NULL);
}
END_TEST

START_TEST(sockets_are_found_and_hints_work)
{
    run("tests/clients/places.sh", NULL);
}
END_TEST

START_TEST(wait_knows_sockets_and_urls)
{
    run("tests/clients/wait.sh", NULL);
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
    run("tests/clients/top.py", top_themes[_i]);
}
END_TEST

static const char *const address_themes[] = {"numeric_forms", "own_port"};

START_TEST(addresses_are_what_they_look_like)
{
    run("tests/clients/addresses.py", address_themes[_i]);
}
END_TEST

START_TEST(the_readme_s_screens_are_true)
{
#if defined(__linux__) && !defined(__GLIBC__)
    TEST_NEEDS(false, "the C library of cc");
#endif
    run("scripts/screens.sh", "--check");
}
END_TEST

static const char *const protocol_tests[] = {"tests/protocol/names.py", "tests/protocol/exchanges.py"};

START_TEST(the_protocol_s_text_is_true)
{
    run(protocol_tests[_i], NULL);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *test_case = tcase_create(name);

    tcase_set_timeout(test_case, 320);
    suite_add_tcase(suite, test_case);
    return test_case;
}

Suite *client_scripts_suite(void)
{
    Suite *suite = suite_create("client_scripts");

    tcase_add_loop_test(add_case(suite, "completions"), command_lines_are_completed, 0, 3);
    tcase_add_loop_test(add_case(suite, "clients"), clients_to_copy_work, 0, 6);
    tcase_add_test(add_case(suite, "worker"), the_worker_to_copy_works);
    for (int i = 0; i < (int)(sizeof(recipes) / sizeof(recipes[0])); i++)
        tcase_add_loop_test(add_case(suite, recipes[i]), recipes_work, i, i + 1);
    tcase_add_loop_test(add_case(suite, "top"), top_works_on_a_terminal, 0, sizeof(top_themes) / sizeof(top_themes[0]));
    tcase_add_test(add_case(suite, "manners"), minimioctl_has_manners);
    tcase_add_loop_test(add_case(suite, "addresses"), addresses_are_what_they_look_like, 0,
                        sizeof(address_themes) / sizeof(address_themes[0]));
    tcase_add_test(add_case(suite, "first_process"), signals_end_the_first_process_of_a_container);
    tcase_add_test(add_case(suite, "upgrades"), the_name_of_the_start_leads_to_the_next_binary);
    tcase_add_test(add_case(suite, "passed"), sockets_that_were_passed_are_used_or_an_error);
    tcase_add_test(add_case(suite, "places"), sockets_are_found_and_hints_work);
    tcase_add_test(add_case(suite, "wait"), wait_knows_sockets_and_urls);
    tcase_add_test(add_case(suite, "readme"), the_readme_s_screens_are_true);
    tcase_add_loop_test(add_case(suite, "protocol"), the_protocol_s_text_is_true, 0, 2);
    return suite;
}
