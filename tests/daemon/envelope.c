/* SPDX-License-Identifier: MIT */
/* Requests as such: ids, notifications, parameters, faults that are the same for every method. */
#include "tests/daemon/fixture.h"

#include <string.h>
#include <unistd.h>

Suite *daemon_envelope_suite(void);

START_TEST(ping_is_answered)
{
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'ping'}");
    expect_line(&wire, "{'jsonrpc':'2.0','id':1,'result':{}}");
}
END_TEST

static const char *const ids[] = {
    "0",
    "-0",
    "1.0e0",
    "1E400",
    "-1.50E-07",
    "9007199254740993",
    "123456789012345678901234567890",
    "\"\"",
    "null",
    "\"a b\"",
    "\"\\u0061\"",
    "\"\\/\\n\\\"\\\\\"",
    "\"\\ud83d\\ude00\"",
    "\"\xc3\xa4\xf0\x9f\x98\x80\"",
};

START_TEST(an_id_is_echoed_byte_for_byte)
{
    say(&wire, "{'jsonrpc':'2.0','id':  %s  ,'method':'ping'}", ids[_i]);
    expect_line(&wire, "{'jsonrpc':'2.0','id':%s,'result':{}}", ids[_i]);
    say(&wire, "{'method':'no such','id':%s,'jsonrpc':'2.0'}", ids[_i]);
    expect(&wire, "{'error':{'code':-32601}}");
    ck_assert_ptr_nonnull(strstr(wire.line, ids[_i]));
}
END_TEST

START_TEST(an_id_has_a_longest_length)
{
    char longest[257];

    memset(longest, 'x', 256);
    longest[0] = longest[255] = '"';
    longest[256] = '\0';
    say(&wire, "{'jsonrpc':'2.0','id':%s,'method':'ping'}", longest);
    expect_line(&wire, "{'jsonrpc':'2.0','id':%s,'result':{}}", longest);
    say(&wire, "{'jsonrpc':'2.0','id':'x%s,'method':'ping'}", longest + 1);
    expect(&wire, "{'id':null,'error':{'code':-32600,'data':{'name':'INVALID_REQUEST','limit':'id_bytes','max':256}}}");
    expect_silence(&wire);
}
END_TEST

static const char *const wrong_ids[] = {"true", "[]", "{}", "[1]", "{\"a\":1}"};

START_TEST(an_id_of_another_type_is_an_invalid_request)
{
    say(&wire, "{'jsonrpc':'2.0','id':%s,'method':'ping'}", wrong_ids[_i]);
    expect(&wire, "{'id':null,'error':{'code':-32600,'data':{'name':'INVALID_REQUEST'}}}");
    expect_silence(&wire);
}
END_TEST

START_TEST(a_notification_has_no_reply)
{
    say(&wire, "{'jsonrpc':'2.0','method':'ping'}");
    say(&wire, "{'jsonrpc':'2.0','method':'no_such_method'}");
    say(&wire, "{'jsonrpc':'2.0','method':'list','params':{'limit':0}}");
    say(&wire, "{'jsonrpc':'2.0','method':'deregister','params':[1]}");
    expect_silence(&wire);
}
END_TEST

START_TEST(a_notification_is_carried_out)
{
    int fd;

    say(&wire, "{'jsonrpc':'2.0','method':'register','params':[3,'%s']}", port.address);
    fd = port_accept(&port);
    write_byte(fd);
    expect_event(&wire, 3, READY_READABLE);
    say(&wire, "{'jsonrpc':'2.0','method':'close_loop'}");
    call_fails(&wire, "LOOP_CLOSED", NULL, "list", NULL);
    close(fd);
}
END_TEST

static const char *const invalid_requests[] = {
    "{'jsonrpc':'2.0','id':5}",
    "{'jsonrpc':'2.0','id':5,'method':7}",
    "{'jsonrpc':'2.0','id':5,'method':null}",
    "{'jsonrpc':'1.0','id':5,'method':'ping'}",
    "{'jsonrpc':2.0,'id':5,'method':'ping'}",
    "{'id':5,'method':'ping'}",
    "{'id':5}",
    "{'jsonrpc':'2.0 ','id':5,'method':'ping'}",
    "{'JSONRPC':'2.0','id':5,'method':'ping'}",
};

START_TEST(an_invalid_request_has_its_id_echoed)
{
    say(&wire, "%s", invalid_requests[_i]);
    expect(&wire, "{'id':5,'error':{'code':-32600,'data':{'name':'INVALID_REQUEST'}}}");
    expect_silence(&wire);
}
END_TEST

START_TEST(an_invalid_request_without_id_is_answered_with_null)
{
    say(&wire, "{}");
    expect(&wire, "{'id':null,'error':{'code':-32600}}");
    say(&wire, "{'jsonrpc':'2.0'}");
    expect(&wire, "{'id':null,'error':{'code':-32600}}");
}
END_TEST

START_TEST(other_members_of_the_envelope_are_ignored)
{
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'ping','Method':7,'trace':{'a':[1]}}");
    expect_line(&wire, "{'jsonrpc':'2.0','id':1,'result':{}}");
}
END_TEST

static const char *const not_there[] = {"", "Ping", "ping ", "rpc.", "rpc.Discover", "openloop", "register\\u0020"};

START_TEST(a_method_that_is_not_there_is_told)
{
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'%s','params':{'anything':1}}", not_there[_i]);
    expect(&wire, "{'id':1,'error':{'code':-32601,'data':{'name':'METHOD_NOT_FOUND'}}}");
    expect_silence(&wire);
}
END_TEST

/* ---- Parameters ------------------------------------------------------------------------------------------------- */

START_TEST(parameters_go_by_name_or_by_position)
{
    expect_in(call(&wire, "list", "{'limit':5,'after':3}"), "{'registrations':[]}");
    expect_in(call(&wire, "list", "[3,5]"), "{'registrations':[]}");
    expect_in(call(&wire, "list", "[]"), "{'registrations':[]}");
    expect_in(call(&wire, "list", "{}"), "{'registrations':[]}");
}
END_TEST

START_TEST(null_is_the_same_as_absent)
{
    expect_in(call(&wire, "list", "{'limit':null,'after':null}"), "{'registrations':[]}");
    expect_in(call(&wire, "list", "[null,null]"), "{'registrations':[]}");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'token'}", "deregister", "{'token':null}");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'token'}", "deregister", "[null]");
    call_fails(&wire, "INVALID_PARAMS", NULL, "register", "{'token':1,'address':null,'fd':null}");
}
END_TEST

START_TEST(integers_may_be_written_otherwise)
{
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "[1.0]");
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "[1e0]");
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "[10E-1]");
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "[9007199254740991]");
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "[-0]");
}
END_TEST

static const struct wrong_params {
    const char *method, *params, *param;
} wrong_params[] = {
    {"deregister", "{}", "token"},
    {"deregister", "{'token':-1}", "token"},
    {"deregister", "{'token':1.5}", "token"},
    {"deregister", "{'token':'1'}", "token"},
    {"deregister", "{'token':9007199254740992}", "token"},
    {"deregister", "{'token':1e400}", "token"},
    {"deregister", "{'token':true}", "token"},
    {"deregister", "{'token':[1]}", "token"},
    {"deregister", "{'token':1,'Token':1}", "Token"},
    {"deregister", "{'token':1,'tokens':2}", "tokens"},
    {"ping", "{'x':null}", "x"},
    {"list", "{'limit':0}", "limit"},
    {"list", "{'limit':101}", "limit"},
    {"list", "[0,'1']", "limit"},
    {"register", "{'address':'127.0.0.1:1'}", "token"},
    {"register", "{'token':1,'address':5}", "address"},
    {"register", "{'token':1,'address':''}", "address"},
    {"register", "{'token':1,'address':'127.0.0.1'}", "address"},
    {"register", "{'token':1,'address':'127.0.0.1:0'}", "address"},
    {"register", "{'token':1,'address':'127.0.0.1:65536'}", "address"},
    {"register", "{'token':1,'address':'127.0.0.1:'}", "address"},
    {"register", "{'token':1,'address':':80'}", "address"},
    {"register", "{'token':1,'address':'::1:80'}", "address"},
    {"register", "{'token':1,'address':'[::1]80'}", "address"},
    {"register", "{'token':1,'address':'[]:80'}", "address"},
    {"register", "{'token':1,'address':'http://localhost:80'}", "address"},
    {"register", "{'token':1,'address':'127.0.0.1:1','fd':1}", "fd"},
    {"register", "{'token':1,'address':'127.0.0.1:1','interests':'readable'}", "interests"},
    {"register", "{'token':1,'address':'127.0.0.1:1','interests':['readable','urgent']}", "interests"},
    {"register", "{'token':1,'address':'127.0.0.1:1','interests':[1]}", "interests"},
    {"register", "{'token':1,'address':'127.0.0.1:1','interests':['Readable']}", "interests"},
    {"register", "{'token':1,'address':'127.0.0.1:1','mode':'Edge'}", "mode"},
    {"register", "{'token':1,'address':'127.0.0.1:1','mode':0}", "mode"},
    {"register", "{'token':1,'address':'127.0.0.1:1','mode':'level'}", "mode"},
    {"register", "{'token':1,'address':'127.0.0.1:1','timeout_ms':-1}", "timeout_ms"},
    {"register", "{'token':1,'address':'127.0.0.1:1','nodelay':'yes'}", "nodelay"},
    {"register", "{'token':1,'address':'127.0.0.1:1','keepalive':0}", "keepalive"},
};

START_TEST(a_wrong_parameter_is_named)
{
    const struct wrong_params *wrong = &wrong_params[_i];

    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'%s','params':%s}", wrong->method, wrong->params);
    expect(&wire, "{'id':1,'error':{'code':-32602,'data':{'name':'INVALID_PARAMS','param':'%s'}}}", wrong->param);
    expect_in(call(&wire, "list", NULL), "{'registrations':[]}");
}
END_TEST

/* What a name means, however it was written. */
START_TEST(a_wrong_parameter_may_be_written_with_escapes)
{
    wire_send(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\","
                     "\"params\":{\"\\b\\f\\n\\r\\t\\/\\\\\\\"\\u0041\\u00e9\\ud83d\\ude00\":1}}");
    expect(&wire, "{'id':1,'error':{'data':{'name':'INVALID_PARAMS'}}}");
    ck_assert_str_eq(member(wire.message, "error.data.param")->valuestring, "\b\f\n\r\t/\\\"A\u00e9\U0001f600");
    wire_send(&wire, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\",\"params\":{\"\\f\":1,\"\\u000c\":1}}");
    expect(&wire, "{'id':null,'error':{'data':{'name':'PARSE_ERROR'}}}");
}
END_TEST

START_TEST(params_of_another_shape_are_invalid_params)
{
    call_fails(&wire, "INVALID_PARAMS", NULL, "ping", "1");
    call_fails(&wire, "INVALID_PARAMS", NULL, "ping", "'x'");
    call_fails(&wire, "INVALID_PARAMS", NULL, "ping", "true");
    call_fails(&wire, "INVALID_PARAMS", NULL, "ping", "[1]");
    call_fails(&wire, "INVALID_PARAMS", NULL, "list", "[1,1,1]");
}
END_TEST

START_TEST(an_error_has_a_message_for_people)
{
    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "[77]");
    expect_in(wire.message, "{'error':{'code':6}}");
    ck_assert_ptr_nonnull(strstr(member(wire.message, "error.message")->valuestring, "77"));
}
END_TEST

Suite *daemon_envelope_suite(void)
{
    Suite *suite = suite_create("daemon_envelope");
    TCase *tests = add_case(suite, "envelope");

    tcase_add_test(tests, ping_is_answered);
    tcase_add_loop_test(tests, an_id_is_echoed_byte_for_byte, 0, LENGTH(ids));
    tcase_add_test(tests, an_id_has_a_longest_length);
    tcase_add_loop_test(tests, an_id_of_another_type_is_an_invalid_request, 0, LENGTH(wrong_ids));
    tcase_add_test(tests, a_notification_has_no_reply);
    tcase_add_test(tests, a_notification_is_carried_out);
    tcase_add_loop_test(tests, an_invalid_request_has_its_id_echoed, 0, LENGTH(invalid_requests));
    tcase_add_test(tests, an_invalid_request_without_id_is_answered_with_null);
    tcase_add_test(tests, other_members_of_the_envelope_are_ignored);
    tcase_add_loop_test(tests, a_method_that_is_not_there_is_told, 0, LENGTH(not_there));
    tests = add_case(suite, "parameters");
    tcase_add_test(tests, parameters_go_by_name_or_by_position);
    tcase_add_test(tests, null_is_the_same_as_absent);
    tcase_add_test(tests, integers_may_be_written_otherwise);
    tcase_add_loop_test(tests, a_wrong_parameter_is_named, 0, LENGTH(wrong_params));
    tcase_add_test(tests, a_wrong_parameter_may_be_written_with_escapes);
    tcase_add_test(tests, params_of_another_shape_are_invalid_params);
    tcase_add_test(tests, an_error_has_a_message_for_people);
    return suite;
}
