/* SPDX-License-Identifier: MIT */
/*
 * Every suite in one program, so that a run ends with one line of Check's. CK_RUN_SUITE=name runs one of them.
 * A suite is a function NAME_suite: declared here, listed here.
 */
#include <check.h>
#include <stdlib.h>

Suite *client_broken_daemon_suite(void);
Suite *client_call_suite(void);
Suite *client_wait_suite(void);
Suite *client_watch_suite(void);
Suite *example_delay_server_suite(void);
Suite *socket_path_suite(void);

/* clang-format off: one a line */
static Suite *(*const suites[])(void) = {
    socket_path_suite, client_broken_daemon_suite, client_call_suite,
    client_wait_suite, client_watch_suite,         example_delay_server_suite,
};
/* clang-format on */

int main(void)
{
    SRunner *runner = srunner_create(NULL);

    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
        srunner_add_suite(runner, suites[i]());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
