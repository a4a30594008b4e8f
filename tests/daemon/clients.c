/* SPDX-License-Identifier: MIT */
/*
 * Published JSON-RPC clients of other languages, and OpenRPC's own schema: tests/clients/run.sh.
 */
#include "tests/daemon/fixture.h"

#include "tests/script.h"

Suite *daemon_clients_suite(void);

#define CLIENT_MS 60000

static const char *const clients[] = {"node", "openrpc", "perl", "python"};

START_TEST(others_clients_work_as_they_are)
{
    run_script(ARGUMENTS("tests/clients/run.sh", clients[_i]), CLIENT_MS);
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
