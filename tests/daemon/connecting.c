/* SPDX-License-Identifier: MIT */
/* From a register to its connection, or to the reason why there is none. */
#include "tests/daemon/fixture.h"
#include "tests/daemon/passing.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *daemon_connecting_suite(void);

START_TEST(a_refused_connection_is_told)
{
    struct port closed;

    port_bind(&closed);
    call_fails(&wire, "CONNECT_FAILED", NULL, "register", "{'token':1,'address':'%s'}", closed.address);
    expect_in(wire.message, "{'error':{'code':9,'data':{'errno':'ECONNREFUSED','address':'%s'}}}", closed.address);
    expect_in(call(&wire, "list", NULL), "{'registrations':[]}");
    port_close(&closed);
}
END_TEST

START_TEST(a_connection_times_out)
{
    struct black_hole hole;
    int64_t started_ns = test_now_ns();

    black_hole_open(&hole);
    call_fails(&wire, "TIMED_OUT", NULL, "register", "{'token':1,'address':'%s','timeout_ms':200}", hole.port.address);
    ck_assert_int_ge(test_now_ns() - started_ns, 200000000);
    expect_in(call(&wire, "list", NULL), "{'registrations':[]}");
    black_hole_close(&hole);
}
END_TEST

START_TEST(a_connecting_token_is_in_use)
{
    struct black_hole hole;

    black_hole_open(&hole);
    say(&wire, "{'jsonrpc':'2.0','id':'waits','method':'register','params':{'token':1,'address':'%s'}}",
        hole.port.address);
    call_fails(&wire, "TOKEN_EXISTS", NULL, "register", "{'token':1,'address':'%s'}", port.address);
    call_fails(&wire, "NOT_CONNECTED", NULL, "reregister", "{'token':1}");
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':1,'state':'connecting','address':'%s'}]}",
              hole.port.address);
    say(&wire, "{'jsonrpc':'2.0','id':'ends','method':'deregister','params':[1]}");
    expect(&wire, "{'id':'waits','error':{'code':11,'data':{'name':'CANCELLED'}}}");
    expect(&wire, "{'id':'ends','result':{}}");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    black_hole_close(&hole);
}
END_TEST

/* A register that waits does not hold up what is behind it. */
START_TEST(requests_behind_a_register_go_on)
{
    struct black_hole hole;

    black_hole_open(&hole);
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'%s',null,null,null,100]}", hole.port.address);
    say(&wire, "{'jsonrpc':'2.0','id':2,'method':'ping'}");
    expect(&wire, "{'id':2}");
    expect(&wire, "{'id':1,'error':{'data':{'name':'TIMED_OUT'}}}");
    black_hole_close(&hole);
}
END_TEST

START_TEST(localhost_is_the_loopback)
{
    static const char *const names[] = {"localhost", "LocalHost.", "any.localhost", "a.b.localhost."};

    for (uint64_t i = 0; i < 4; i++) {
        char address[32];

        snprintf(address, sizeof address, "%s%s", names[i], strchr(port.address, ':'));
        call(&wire, "register", "{'token':1,'address':'%s'}", address);
        close(port_accept(&port));
        expect_in(call(&wire, "list", NULL), "{'registrations':[{'address':'%s','peer':'%s'}]}", address, port.address);
        call(&wire, "deregister", "[1]");
    }
    call_fails(&wire, "RESOLVE_FAILED", NULL, "register", "[1,'notlocalhost.invalid:80']");
}
END_TEST

/* People read the message alone, and a session has many registers under way. */
static void require_message(const char *part)
{
    ck_assert_msg(strstr(member(wire.message, "error.message")->valuestring, part), "%s", wire.line);
}

START_TEST(a_failure_names_its_target)
{
    char expected[160], long_name[256];
    struct port closed;

    port_bind(&closed);
    call_fails(&wire, "CONNECT_FAILED", NULL, "register", "[1,'%s']", closed.address);
    snprintf(expected, sizeof expected, "could not connect to %s: ECONNREFUSED", closed.address);
    require_message(expected);
    call_fails(&wire, "CONNECT_FAILED", NULL, "register", "[1,'localhost%s']", strchr(closed.address, ':'));
    require_message("could not connect to localhost:");
    require_message(closed.address);
    port_close(&closed);
    call_fails(&wire, "RESOLVE_FAILED", NULL, "register", "[1,'no.such.invalid:80']");
    require_message("no.such.invalid:80");
    memset(long_name, 'x', sizeof long_name);
    for (size_t i = 50; i < sizeof long_name; i += 50)
        long_name[i] = '.';
    call_fails(&wire, "RESOLVE_FAILED", NULL, "register", "[1,'%.200s.invalid:80']", long_name);
    require_message("... was not resolved: ");
}
END_TEST

/* The kinds are in proto/vectors/addresses.jsonl. */
static const struct {
    const char *text, *message;
} numeric_forms[] = {
    {"127.0.0.010:80", "\"127.0.0.010:80\": an IPv4 address is four integers from 0 to 255"},
    {"127.1:80", "an IPv4 address is four integers"},
    {"0x7f.1:80", "an IPv4 address is four integers"},
    {"2130706433:80", "an IPv4 address is four integers"},
    {"1.2.3.4.:80", "an IPv4 address is four integers"},
    {"[zz]:80", "the text between brackets must be an IPv6 address"},
    {"[127.0.0.1]:80", "the text between brackets must be an IPv6 address"},
    {"[::1%lo]:80", "a zone is the interface of a link-local address"},
    {"h:080", "the port is an integer from 1 to 65535 without leading zeros"},
};

START_TEST(a_numeric_form_that_is_no_address_is_refused_by_name)
{
    call_fails(&wire, "INVALID_PARAMS", "{'param':'address'}", "register", "[1,'%s']", numeric_forms[_i].text);
    require_message(numeric_forms[_i].message);
}
END_TEST

START_TEST(a_zone_without_an_interface_is_not_resolved)
{
    call_fails(&wire, "RESOLVE_FAILED", "{'reason':'there is no such network interface'}", "register",
               "[1,'[fe80::1%%no-such]:80']");
}
END_TEST

static const char *const bad_addresses[] = {"",      "host",    "host:",  ":80",        "host:0",      "host:65536",
                                            "h:8x",  "a b:80",  "[::1]",  "::1:80",     "[1.2.3.4:80", "h/x:80",
                                            "[]:80", "[x y]:1", "h\t:80", "\xc3\xa9:80"};

START_TEST(an_address_that_is_none_is_refused)
{
    cJSON *text = cJSON_CreateString(bad_addresses[_i]);
    char *quoted = cJSON_PrintUnformatted(text);

    wire_send(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"register\",\"params\":{\"token\":1,\"address\":");
    wire_send(&wire, quoted);
    wire_send(&wire, "}}");
    expect(&wire, "{'id':1,'error':{'data':{'name':'INVALID_PARAMS','param':'address'}}}");
    cJSON_free(quoted);
    cJSON_Delete(text);
}
END_TEST

static const struct {
    const char *more;
    int nodelay, keepalive;
} options[] = {{"", 1, 1}, {",'nodelay':false", 0, 1}, {",'keepalive':false", 1, 0}};

START_TEST(a_stream_has_the_options_that_are_asked_for)
{
    int peer = open_stream(&wire, 1, options[_i].more), ours = take(&wire, 1), value;
    socklen_t length = sizeof value;

    ck_assert_int_eq(getsockopt(ours, IPPROTO_TCP, TCP_NODELAY, &value, &length), 0);
    ck_assert_int_eq(value != 0, options[_i].nodelay);
    ck_assert_int_eq(getsockopt(ours, SOL_SOCKET, SO_KEEPALIVE, &value, &length), 0);
    ck_assert_int_eq(value != 0, options[_i].keepalive);
    close(ours);
    close(peer);
}
END_TEST

static const struct {
    const char *params, *name, *data;
} bad_registers[] = {
    {"{'token':1}", "INVALID_PARAMS", "{'param':'address'}"},
    {"{'token':1,'address':'127.0.0.1:1','fd':true}", "INVALID_PARAMS", "{'param':'fd'}"},
    {"{'token':1,'fd':true}", "FD_MISSING", "{}"},
    {"{'token':1,'address':'127.0.0.1:1','mode':'level'}", "INVALID_PARAMS", "{'param':'mode'}"},
    {"{'token':1,'address':'127.0.0.1:1','mode':'other'}", "INVALID_PARAMS", "{'param':'mode'}"},
    {"{'token':1,'address':'127.0.0.1:1','interests':['other']}", "INVALID_PARAMS", "{'param':'interests'}"},
    {"{'token':1,'address':'127.0.0.1:1','interests':'readable'}", "INVALID_PARAMS", "{'param':'interests'}"},
    {"{'token':1,'address':'127.0.0.1:1','nodelay':1}", "INVALID_PARAMS", "{'param':'nodelay'}"},
    {"{'token':1,'address':'127.0.0.1:1','timeout_ms':-5}", "INVALID_PARAMS", "{'param':'timeout_ms'}"},
    {"{'token':1,'address':7}", "INVALID_PARAMS", "{'param':'address'}"},
};

START_TEST(a_bad_register_is_told_by_name)
{
    call_fails(&wire, bad_registers[_i].name, bad_registers[_i].data, "register", "%s", bad_registers[_i].params);
}
END_TEST

Suite *daemon_connecting_suite(void)
{
    Suite *suite = suite_create("daemon_connecting");
    TCase *tests = add_case(suite, "connecting");

    tcase_add_loop_test(tests, a_stream_has_the_options_that_are_asked_for, 0, LENGTH(options));
    tcase_add_test(tests, a_refused_connection_is_told);
    tcase_add_test(tests, a_connection_times_out);
    tcase_add_test(tests, a_connecting_token_is_in_use);
    tcase_add_test(tests, requests_behind_a_register_go_on);
    tcase_add_test(tests, localhost_is_the_loopback);
    tcase_add_test(tests, a_failure_names_its_target);
    tcase_add_loop_test(tests, a_numeric_form_that_is_no_address_is_refused_by_name, 0, LENGTH(numeric_forms));
    tcase_add_test(tests, a_zone_without_an_interface_is_not_resolved);
    tcase_add_loop_test(tests, an_address_that_is_none_is_refused, 0,
                        (int)(sizeof bad_addresses / sizeof bad_addresses[0]));
    tcase_add_loop_test(tests, a_bad_register_is_told_by_name, 0,
                        (int)(sizeof bad_registers / sizeof bad_registers[0]));
    return suite;
}
