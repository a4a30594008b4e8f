/* SPDX-License-Identifier: MIT */
/*
 * Clients that others have written, of other languages, and OpenRPC's own schema: tests/clients/run.sh. What is not
 * installed is skipped, and said to be.
 */
#include "tests/daemon/fixture.h"

#include <stdio.h>

Suite *daemon_clients_suite(void);

#define SKIPPED 77

static const char *const clients[] = {"node", "openrpc", "perl", "python"};

START_TEST(others_clients_work_as_they_are)
{
    struct process process;
    int status = process_run(&process, ARGUMENTS("tests/clients/run.sh", clients[_i]));

    ck_assert_msg(status == 0 || status == SKIPPED, "%s%s", process.out.text, process.err.text);
    if (status == SKIPPED)
        printf("skipped: the client in %s: %s", clients[_i], process.out.text);
    process_free(&process);
}
END_TEST

Suite *daemon_clients_suite(void)
{
    Suite *suite = suite_create("daemon_clients");
    TCase *tests = tcase_create("clients");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, others_clients_work_as_they_are, 0, LENGTH(clients));
    suite_add_tcase(suite, tests);
    return suite;
}
