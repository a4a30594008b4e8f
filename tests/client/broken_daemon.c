/* SPDX-License-Identifier: MIT */
/* minimioctl against a daemon of the test's own, which says what a real one rarely does, or what none should. */
#include "tests/client/network.h"
#include "tests/client/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    assert_answered("220 mail.example ESMTP\r\n", 1, NULL, "not a protocol message: 220 mail.example ESMTP");
    assert_answered("\n", 1, NULL, "not a protocol message");
    assert_answered("[1]\n", 1, NULL, "not a protocol message");
    assert_answered("{} {}\n", 1, NULL, "not a protocol message");
    assert_answered("\x1b[2J\n", 1, NULL, "not a protocol message: \\x1b[2J");
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

/* ESC, a C1 control character, and one that turns the direction of what follows; LC_ALL=C.UTF-8 shows the letter. */
#define STEERING      "\\u001b[2J\\u009b\\u202e\\u00e9"
#define STEERING_TEXT "\\x1b[2J\\xc2\\x9b\\xe2\\x80\\xae\xc3\xa9"
#define STEERING_JSON "\\u001b[2J\\u009b\\u202e\xc3\xa9"

static void assert_answered_to(const char *const *arguments, const char *answer, int code, const char *out,
                               const char *err)
{
    struct process process;
    int session;

    setenv("MINIMIO_SOCKET", fake.socket, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    process_start(&process, false, arguments);
    session = fake_daemon_accept(&fake);
    fake_daemon_say(session, answer);
    close(session);
    assert_ends(&process, code, out, err);
}

START_TEST(nothing_of_a_daemon_steers_the_terminal)
{
    static const char error[] =
        "{\"id\":1,\"error\":{\"code\":1,\"message\":\"" STEERING "\",\"data\":{\"name\":\"A\"}}}\n";
    static const char loops[] = "{\"id\":1,\"result\":{\"loops\":[{\"name\":\"" STEERING "\"}],\"next\":null}}\n";
    static const char hello[] = "{\"id\":1,\"result\":{\"" STEERING "\":\"" STEERING "\"}}\n";

    assert_answered_to(ARGUMENTS("ping"), error, 1, NULL, ": " STEERING_TEXT " (A)\n");
    assert_answered_to(ARGUMENTS("loops"), loops, 0, "\n" STEERING_TEXT "  ", NULL);
    assert_answered_to(ARGUMENTS("loops", "--names"), loops, 0, STEERING_TEXT "\n", NULL);
    assert_answered_to(ARGUMENTS("loops", "--json"), loops, 0, "{\"name\":\"" STEERING_JSON "\"}\n", NULL);
    assert_answered_to(ARGUMENTS("hello"), hello, 0, STEERING_TEXT "  " STEERING_TEXT "\n", NULL);
    assert_answered_to(ARGUMENTS("call", "hello"), hello, 0, "{\"" STEERING_JSON "\":\"" STEERING_JSON "\"}\n", NULL);
    assert_answered_to(ARGUMENTS("stats", "--openmetrics"),
                       "{\"id\":1,\"result\":{\"errors\":{\"" STEERING "\":1,\"PARSE_ERROR\":2}}}\n", 0,
                       "# TYPE minimio_errors counter\nminimio_errors_total{name=\"PARSE_ERROR\"} 2\n# EOF\n", NULL);
}
END_TEST

START_TEST(nothing_in_a_batch_steers_the_terminal)
{
    struct process process;
    int session;

    process_start(&process, true, ARGUMENTS("batch", "--socket", fake.socket));
    session = fake_daemon_accept(&fake);
    fake_daemon_say(session, "{\"id\":1,\"result\":{}}\n{\"method\":\"a\xc2\x9b\x7f\",\t\"params\":{}}\n");
    close(session);
    assert_ends(&process, 1, "{\"method\":\"a\\u009b\\u007f\", \"params\":{}}\n", "closed the connection");
}
END_TEST

/* A terminal without UTF-8 takes the second byte of some letters for a control character. */
START_TEST(letters_are_escaped_without_utf_8)
{
    struct process process;
    int session;

    setenv("LC_ALL", "C", 1);
    process_start(&process, false, ARGUMENTS("loops", "--names", "--socket", fake.socket));
    session = fake_daemon_accept(&fake);
    fake_daemon_say(session, "{\"id\":1,\"result\":{\"loops\":[{\"name\":\"\xc3\x9b\"}],\"next\":null}}\n");
    assert_ends(&process, 0, "\\xc3\\x9b\n", NULL);
    close(session);
}
END_TEST

/* An answer with more events than were asked for, and one that the daemon does not give any more. */
START_TEST(too_many_events_are_cut)
{
    struct process process;
    char *answer = malloc(64 * 1024);
    size_t length = 0;
    int session;

    process_start(&process, false,
                  ARGUMENTS("events", "--loop", "a", "--count", "300", "--socket", fake.socket, "--timeout", "20s"));
    session = fake_daemon_accept(&fake);
    fake_daemon_say(session, "{\"id\":1,\"result\":{\"loop\":\"a\",\"created\":false,\"delivery\":\"poll\"}}\n");
    receive_line(session);
    fake_daemon_say(session, "{\"id\":2,\"result\":{\"registrations\":[],\"next\":null}}\n");
    receive_line(session);
    length = (size_t)sprintf(answer, "{\"id\":3,\"result\":{\"events\":[{\"token\":1}");
    for (int i = 0; i < 1000; i++)
        length += (size_t)sprintf(answer + length, ",{\"token\":%d}", i);
    strcpy(answer + length, "]}}\n");
    fake_daemon_say(session, answer);
    free(answer);
    receive_line(session);
    close(session);
    assert_ends(&process, 1, "254  -  \n", "closed the connection");
}
END_TEST

START_TEST(a_batch_that_is_not_answered_is_a_failure)
{
    struct process process;
    int session;

    process_start(&process, true, ARGUMENTS("batch", "--socket", fake.socket));
    process_write(
        &process,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n");
    session = fake_daemon_accept(&fake);
    fake_daemon_say(session, "{\"id\":1,\"result\":{\"limits\":{\"batch\":2}}}\n");
    receive_line(session);
    fake_daemon_say(session, "{\"id\":1,\"result\":{}}\n");
    close(session);
    assert_ends(&process, 1, "{\"id\":1,\"result\":{}}\n",
                "the daemon closed the connection: 1 request was not answered\n");
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
    tcase_add_test(tests, nothing_of_a_daemon_steers_the_terminal);
    tcase_add_test(tests, nothing_in_a_batch_steers_the_terminal);
    tcase_add_test(tests, letters_are_escaped_without_utf_8);
    tcase_add_test(tests, too_many_events_are_cut);
    tcase_add_test(tests, a_batch_that_is_not_answered_is_a_failure);
    tcase_add_test(tests, a_silent_daemon_meets_the_timeout);
    suite_add_tcase(suite, tests);
    return suite;
}
