/* SPDX-License-Identifier: MIT */
/* Where a message begins and ends, and what becomes of bytes that are none. */
#include "tests/daemon/fixture.h"

#include <stdio.h>
#include <string.h>

Suite *daemon_framing_suite(void);

#define PING(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"ping\"}"
#define PONG(id) "{'jsonrpc':'2.0','id':" id ",'result':{}}"

static void expect_parse_error(size_t offset)
{
    expect(&wire, "{'id':null,'error':{'code':-32700,'data':{'name':'PARSE_ERROR','offset':%zu}}}", offset);
}

static void expect_session_goes_on(void)
{
    wire_send(&wire, "\n" PING("7"));
    expect_line(&wire, PONG("7"));
}

/* The daemon takes what comes in its order, so with this answer it has taken what was sent before. */
static void let_daemon_read(struct wire *other)
{
    call(other, "ping", NULL);
}

START_TEST(a_message_needs_no_newline)
{
    wire_send(&wire, PING("1"));
    expect_line(&wire, PONG("1"));
    wire_send(&wire, PING("2") PING("3"));
    expect_line(&wire, PONG("2"));
    expect_line(&wire, PONG("3"));
}
END_TEST

START_TEST(white_space_between_messages_is_skipped)
{
    wire_send(&wire, " \t\r\n\n" PING("1") "\r\n" PING("2") " \t " PING("3") "\n\n\r\n");
    expect_line(&wire, PONG("1"));
    expect_line(&wire, PONG("2"));
    expect_line(&wire, PONG("3"));
}
END_TEST

START_TEST(a_message_may_be_printed_prettily)
{
    wire_send(&wire,
              "{\r\n  \"jsonrpc\" : \"2.0\",\r\n\t\"id\" : 1,\n  \"method\" : \"ping\",\n  \"params\" : {\n  }\n}\n");
    expect_line(&wire, PONG("1"));
}
END_TEST

START_TEST(a_message_may_be_cut_anywhere)
{
    static const char text[] = "[" PING("\"\\ud83d\\ude00 \xf0\x9f\x98\x80\"") ",\r\n" PING("1.5e+3") "]";
    struct wire other;

    wire_open(&other, minimiod.socket);
    for (size_t cut = 1; cut < strlen(text); cut++) {
        wire_send_bytes(&wire, text, cut);
        let_daemon_read(&other);
        wire_send(&wire, text + cut);
        expect_line(&wire, "[" PONG("'\\ud83d\\ude00 \xf0\x9f\x98\x80'") "," PONG("1.5e+3") "]");
    }
    for (size_t i = 0; i < strlen(text); i++) {
        wire_send_bytes(&wire, text + i, 1);
        let_daemon_read(&other);
    }
    expect_line(&wire, "[" PONG("'\\ud83d\\ude00 \xf0\x9f\x98\x80'") "," PONG("1.5e+3") "]");
    wire_close(&other);
}
END_TEST

/* Each is said without a newline: the fault is told at the byte where it is. */
static const struct bad_text {
    const char *text;
    size_t offset;
} bad_texts[] = {
    {"{,", 1},
    {"{\"a\":1,}", 7},
    {"[1,]", 3},
    {"[1 2", 3},
    {"[01", 2},
    {"[-a", 2},
    {"[1.]", 3},
    {"[1e]", 3},
    {"[+1", 1},
    {"[.5", 1},
    {"[NaN", 1},
    {"[nul]", 4},
    {"[True", 1},
    {"{a:1}", 1},
    {"['a']", 1},
    {"{\"a\" 1", 5},
    {"{\"a\":1]", 6},
    {"[1}", 2},
    {"]", 0},
    {"}", 0},
    {",", 0},
    {"[\"\\x", 3},
    {"[\"\\u00g", 6},
    {"[\"\\u0000", 7},
    {"[\"\\ud800x", 8},
    {"[\"\x01", 2},
    {"[\"\x1f", 2},
    {"[\"\xff", 2},
    {"[\"\xc0", 2},
    {"[\"\xc3(", 3},
    {"[\"\xed\xa0", 3},
    {"[\"\xf4\x90", 3},
    {"\xef\xbb\xbf", 0},
    {"{\"a\":1,\"a\"", 7},
    {"{\"a\":1,\"\\u0061\"", 7},
    {"// {}", 0},
};

START_TEST(a_text_that_is_no_json_is_a_parse_error_at_its_byte)
{
    wire_send(&wire, bad_texts[_i].text);
    expect_parse_error(bad_texts[_i].offset);
    wire_send(&wire, PING("\"skipped with the rest of the line\""));
    expect_session_goes_on();
}
END_TEST

START_TEST(a_newline_that_is_the_fault_ends_the_skipping)
{
    wire_send(&wire, "[\"\n" PING("1"));
    expect_parse_error(2);
    expect_line(&wire, PONG("1"));
}
END_TEST

START_TEST(an_offset_counts_from_its_message)
{
    wire_send(&wire, PING("1") " \n  " PING("2") "   [,");
    expect_line(&wire, PONG("1"));
    expect_line(&wire, PONG("2"));
    expect_parse_error(1);
}
END_TEST

START_TEST(one_fault_a_line)
{
    wire_send(&wire, "}}}} {{{{ , , [,\n" PING("1"));
    expect_parse_error(0);
    expect_line(&wire, PONG("1"));
}
END_TEST

static const char *const scalars[] = {"1\n", "\"text\"\n", "null\n", "true x\n", "-1.5e3 {}\n", "\"{}\" {\"id\":1}\n"};

START_TEST(a_scalar_is_one_invalid_request)
{
    wire_send(&wire, scalars[_i]);
    expect(&wire, "{'id':null,'error':{'code':-32600,'data':{'name':'INVALID_REQUEST'}}}");
    expect_session_goes_on();
}
END_TEST

START_TEST(a_text_still_open_at_the_end_is_a_parse_error)
{
    wire_send(&wire, "{\"jsonrpc\":\"2.0\",");
    wire_finish(&wire);
    expect_parse_error(17);
    expect_end(&wire);
}
END_TEST

START_TEST(valid_but_unusual_json_is_accepted)
{
    expect_session_goes_on();
    wire_send(&wire,
              "{\"jsonrpc\":\"2.0\",\"id\":\"\xef\xb7\x90\xef\xbf\xbf\",\"method\":\"pi\\u006eg\",\"x\":[-0.0E-0,{}]}");
    expect_line(&wire, "{'jsonrpc':'2.0','id':'\xef\xb7\x90\xef\xbf\xbf','result':{}}");
}
END_TEST

static const char *const foreign[] = {
    "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "POST /rpc HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "OPTIONS * HTTP/1.1\r\n",
    "Content-Length: 36\r\n\r\n" PING("1"),
    "content-length:1",
};

START_TEST(other_protocols_are_told_what_this_is_and_closed)
{
    wire_send(&wire, foreign[_i]);
    expect_parse_error(0);
    ck_assert_ptr_nonnull(strstr(member(wire.message, "error.message")->valuestring, "JSON-RPC"));
    expect_end(&wire);
}
END_TEST

START_TEST(other_protocols_are_known_byte_by_byte_too)
{
    struct wire other;

    wire_open(&other, minimiod.socket);
    for (const char *byte = "Content-Length:"; *byte; byte++) {
        wire_send_bytes(&wire, byte, 1);
        let_daemon_read(&other);
    }
    expect_parse_error(0);
    ck_assert_ptr_nonnull(strstr(member(wire.message, "error.message")->valuestring, "Content-Length"));
    expect_end(&wire);
    wire_close(&other);
}
END_TEST

START_TEST(an_http_word_later_on_is_but_a_parse_error)
{
    expect_session_goes_on();
    wire_send(&wire, "GET / HTTP/1.1\n");
    expect_parse_error(0);
    expect_session_goes_on();
}
END_TEST

/* ---- Limits ----------------------------------------------------------------------------------------------------- */

static void expect_limit(const char *limit, unsigned max)
{
    expect(&wire, "{'id':null,'error':{'code':-32600,'data':{'name':'INVALID_REQUEST','limit':'%s','max':%u}}}", limit,
           max);
}

static void send_many(const char *text, size_t count)
{
    while (count--)
        wire_send(&wire, text);
}

START_TEST(a_message_of_the_most_bytes_is_taken_and_one_more_is_not)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"";
    static char text[256 * 1024 + 1];
    size_t most = sizeof(text) - 1;

    memset(text, 'x', sizeof(text));
    memcpy(text, head, strlen(head));
    memcpy(text + most - 2, "\"}", 2);
    wire_send_bytes(&wire, text, most);
    expect_line(&wire, PONG("1"));
    memcpy(text + most - 2, "xx\"", 3);
    wire_send_bytes(&wire, text, sizeof(text));
    expect_limit("message_bytes", (unsigned)most);
    expect_session_goes_on();
}
END_TEST

START_TEST(a_message_that_never_ends_is_refused_once)
{
    wire_send(&wire, "[\"");
    send_many("0123456789abcdef", 40000);
    expect_limit("message_bytes", 256 * 1024);
    expect_session_goes_on();
}
END_TEST

START_TEST(depth_is_limited)
{
    send_many("[", 32);
    send_many("]", 32);
    expect(&wire, "[{'id':null,'error':{'data':{'name':'INVALID_REQUEST'}}}]");
    send_many("[", 33);
    expect_limit("message_depth", 32);
    expect_session_goes_on();
}
END_TEST

START_TEST(values_are_limited)
{
    wire_send(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":[0");
    send_many(",0", 16384 - 6);
    wire_send(&wire, "]}");
    expect_line(&wire, PONG("1"));
    wire_send(&wire, "[0");
    send_many(",0", 16384);
    expect_limit("message_values", 16384);
    expect_session_goes_on();
}
END_TEST

Suite *daemon_framing_suite(void)
{
    Suite *suite = suite_create("daemon_framing");
    TCase *tests = add_case(suite, "framing");

    tcase_add_test(tests, a_message_needs_no_newline);
    tcase_add_test(tests, white_space_between_messages_is_skipped);
    tcase_add_test(tests, a_message_may_be_printed_prettily);
    tcase_add_test(tests, a_message_may_be_cut_anywhere);
    tcase_add_loop_test(tests, a_text_that_is_no_json_is_a_parse_error_at_its_byte, 0, LENGTH(bad_texts));
    tcase_add_test(tests, a_newline_that_is_the_fault_ends_the_skipping);
    tcase_add_test(tests, an_offset_counts_from_its_message);
    tcase_add_test(tests, one_fault_a_line);
    tcase_add_loop_test(tests, a_scalar_is_one_invalid_request, 0, LENGTH(scalars));
    tcase_add_test(tests, a_text_still_open_at_the_end_is_a_parse_error);
    tcase_add_test(tests, valid_but_unusual_json_is_accepted);
    tcase_add_loop_test(tests, other_protocols_are_told_what_this_is_and_closed, 0, LENGTH(foreign));
    tcase_add_test(tests, other_protocols_are_known_byte_by_byte_too);
    tcase_add_test(tests, an_http_word_later_on_is_but_a_parse_error);
    tests = add_case(suite, "limits");
    tcase_add_test(tests, a_message_of_the_most_bytes_is_taken_and_one_more_is_not);
    tcase_add_test(tests, a_message_that_never_ends_is_refused_once);
    tcase_add_test(tests, depth_is_limited);
    tcase_add_test(tests, values_are_limited);
    return suite;
}
