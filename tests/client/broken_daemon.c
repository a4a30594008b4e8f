/* SPDX-License-Identifier: MIT */
/* minimioctl against a daemon of the test's own, which says what a real one rarely does, or what none should. */
#include "tests/client/network.h"
#include "tests/client/run.h"

#include <stdlib.h>
#include <unistd.h>

Suite *client_broken_daemon_suite(void);

static struct fake_daemon fake;

static void set_up(void)
{
    fake_daemon_open(&fake);
}

static void tear_down(void)
{
    fake_daemon_close(&fake);
}

/* One `call ping` answered with `answer`, after which the daemon closes. */
static void assert_answered(const char *answer, int code, const char *out, const char *err)
{
    struct process process;
    int session;

    process_start(&process, false, ARGUMENTS("call", "ping", "--socket", fake.socket));
    session = fake_daemon_accept(&fake);
    fake_daemon_say(session, answer);
    close(session);
    assert_ends(&process, code, out, err);
}

START_TEST(a_reply_is_found_behind_other_messages)
{
    assert_answered("{\"jsonrpc\":\"2.0\",\"method\":\"ready\",\"params\":{\"events\":[]}}\n"
                    "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{\"wrong\":true}}\n"
                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"right\":9007199254740991}}\n",
                    0, "{\"right\":9007199254740991}\n", NULL);
}
END_TEST

START_TEST(a_list_is_fetched_page_by_page)
{
    struct process process;
    int session;

    process_start(&process, false, ARGUMENTS("list", "--socket", fake.socket));
    session = fake_daemon_accept(&fake);
    fake_daemon_say(
        session, "{\"id\":1,\"result\":{\"loop\":null,\"next\":7,\"registrations\":[{\"token\":7,\"state\":"
                 "\"connecting\",\"interests\":[],\"mode\":\"edge\",\"address\":\"a\\u001b:1\",\"pending\":{}}]}}\n");
    receive_line(session);
    fake_daemon_say(
        session,
        "{\"id\":2,\"result\":{\"loop\":null,\"next\":null,\"registrations\":[{\"token\":"
        "9007199254740991,\"state\":\"armed\",\"interests\":[\"readable\",\"writable\"],\"mode\":"
        "\"edge\",\"address\":\"b:2\",\"local\":\"l:3\",\"peer\":\"p:2\",\"pending\":{\"readable\":true}}]}}\n");
    assert_ends(&process, 0,
                "           TOKEN  STATE       INTERESTS          MODE  PENDING   ADDRESS  LOCAL  PEER\n"
                "               7  connecting  -                  edge  -         a\\x1b:1  -      -\n"
                "9007199254740991  armed       readable,writable  edge  readable  b:2      l:3    p:2\n",
                NULL);
    close(session);
}
END_TEST

START_TEST(a_closed_connection_is_told)
{
    assert_answered("", 1, NULL, "the daemon closed the connection\n");
    assert_answered("{\"jsonrpc\":\"2.0\",\"id\":1,", 1, NULL, "closed the connection in the middle of a message");
}
END_TEST

START_TEST(garbage_is_told)
{
    assert_answered("220 mail.example ESMTP\r\n", 1, NULL, "no message: 220 mail.example ESMTP");
    assert_answered("\n", 1, NULL, "no message");
    assert_answered("[1]\n", 1, NULL, "no message");
    assert_answered("{} {}\n", 1, NULL, "no message");
    assert_answered("\x1b[2J\n", 1, NULL, "no message: \\x1b[2J");
    assert_answered("{\"id\":1}\n", 1, NULL, "neither result nor error");
}
END_TEST

START_TEST(an_oversized_line_is_told)
{
    char *line = malloc(70001);

    memset(line, 'x', 70000);
    line[70000] = '\0';
    assert_answered(line, 1, NULL, "a line longer than 65536 bytes");
    free(line);
}
END_TEST

START_TEST(a_refused_session_says_why)
{
    assert_answered("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":13,\"message\":\"too many sessions\","
                    "\"data\":{\"name\":\"LIMIT_EXCEEDED\"}}}\n",
                    1, NULL, "too many sessions (LIMIT_EXCEEDED)");
}
END_TEST

START_TEST(a_silent_daemon_meets_the_timeout)
{
    assert_run(124, NULL, "in time", "ping", "--socket", fake.socket, "--timeout", "100ms");
}
END_TEST

Suite *client_broken_daemon_suite(void)
{
    Suite *suite = suite_create("client_broken_daemon");
    TCase *tests = tcase_create("broken daemon");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_reply_is_found_behind_other_messages);
    tcase_add_test(tests, a_list_is_fetched_page_by_page);
    tcase_add_test(tests, a_closed_connection_is_told);
    tcase_add_test(tests, garbage_is_told);
    tcase_add_test(tests, an_oversized_line_is_told);
    tcase_add_test(tests, a_refused_session_says_why);
    tcase_add_test(tests, a_silent_daemon_meets_the_timeout);
    suite_add_tcase(suite, tests);
    return suite;
}
