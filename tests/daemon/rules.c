/* SPDX-License-Identifier: MIT */
/* Rules about targets, as clients meet them: what is denied is never connected to, and is told by its rule. */
#include "tests/daemon/conf.h"
#include "tests/daemon/name_server.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *daemon_rules_suite(void);

static const char *port_number(void)
{
    return strchr(port.address, ':') + 1;
}

/* Nobody has connected to the port. A connect would have been seen by now: the answer comes after it. */
static void expect_untouched(void)
{
    struct pollfd readable = {.fd = port.fd, .events = POLLIN};

    ck_assert_int_eq(poll(&readable, 1, 0), 0);
}

static void set_up_rules(const char *rules, const char *const *arguments)
{
    conf_write("[targets]\n%s\n", rules);
    set_up_conf(arguments);
}

static const struct {
    const char *rule, *host, *address;
} literals[] = {
    {"deny 127.0.0.0/8", "127.0.0.1", "127.0.0.1"},
    {"deny 127.0.0.0/8", "[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]"},
    {"deny 127.0.0.0/8", "[::ffff:7f00:1]", "[::ffff:127.0.0.1]"},
    {"deny 127.0.0.0/8", "0.0.0.0", "0.0.0.0"},
    {"deny 127.0.0.0/8", "[::ffff:0.0.0.0]", "[::ffff:0.0.0.0]"},
    {"deny [::ffff:127.0.0.0]/104", "127.0.0.1", "127.0.0.1"},
    {"deny *", "127.0.0.1", "127.0.0.1"},
    {"deny [::1]", "[::1]", "[::1]"},
    {"deny [::1]", "[::]", "[::]"},
    {"deny [fe80::]/10", "[fe80::1%lo]", NULL},
};

START_TEST(a_denied_literal_is_told_and_not_tried)
{
    char rule[80], address[80] = "";

    snprintf(rule, sizeof rule, "deny = %s", literals[_i].rule + 5);
    set_up_rules(rule, NULL);
    if (literals[_i].address)
        snprintf(address, sizeof address, ",'address':'%s:%s'", literals[_i].address, port_number());
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'%s:%s']}", literals[_i].host, port_number());
    expect(&wire, "{'id':1,'error':{'code':12,'data':{'name':'DENIED','rule':'%s'%s}}}", literals[_i].rule, address);
    expect_untouched();
    ck_assert_int_eq(member(call(&wire, "stats", NULL), "registrations")->valueint, 0);
    await_log(literals[_i].rule);
    tear_down_conf();
}
END_TEST

START_TEST(localhost_is_no_way_around)
{
    set_up_rules("deny = 127.0.0.1\ndeny = [::1]", NULL);
    call_fails(&wire, "DENIED", "{}", "register", "[1,'localhost:%s']", port_number());
    call_fails(&wire, "DENIED", "{}", "register", "[1,'Some.LocalHost.:%s']", port_number());
    expect_untouched();
    tear_down_conf();
}
END_TEST

START_TEST(only_what_matches_is_denied)
{
    set_up_rules("deny = 127.0.0.1:1-1023\ndeny = 127.0.0.2", NULL);
    call_fails(&wire, "DENIED", "{'rule':'deny 127.0.0.1:1-1023'}", "register", "[1,'127.0.0.1:1023']");
    close(open_stream(&wire, 1, ""));
    call_fails(&wire, "DENIED", "{'rule':'deny 127.0.0.2'}", "register", "[2,'127.0.0.2:%s']", port_number());
    tear_down_conf();
}
END_TEST

START_TEST(what_is_not_allowed_is_denied_by_default)
{
    set_up_rules("allow = 127.0.0.1\ndefault = deny", NULL);
    close(open_stream(&wire, 1, ""));
    call_fails(&wire, "DENIED", "{'rule':'default deny'}", "register", "[2,'127.0.0.2:%s']", port_number());
    tear_down_conf();
}
END_TEST

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static void ask_for_name(int server, const char *const *addresses)
{
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'service.example.:%s']}", port_number());
    name_server_answer(server, 2, addresses);
}

static const struct {
    const char *first, *second;
} orders[] = {{"127.0.0.2", "127.0.0.1"}, {"127.0.0.1", "127.0.0.2"}, {"::ffff:127.0.0.2", "127.0.0.1"}};

START_TEST(denied_addresses_of_a_name_are_passed_over)
{
    NEEDS_NAME_SERVER();
    int server = name_server_open();

    set_up_rules("deny = 127.0.0.2", NULL);
    ask_for_name(server, ARGUMENTS(orders[_i].first, orders[_i].second));
    expect(&wire, "{'id':1,'result':{'token':1,'peer':'%s'}}", port.address);
    close(port_accept(&port));
    tear_down_conf();
    name_server_close(server);
}
END_TEST

START_TEST(a_name_with_denied_addresses_alone_is_denied)
{
    NEEDS_NAME_SERVER();
    int server = name_server_open();

    set_up_rules("deny = 127.0.0.0/8\ndeny = [2001:db8::]/32", NULL);
    ask_for_name(server, ARGUMENTS("127.0.0.1", "127.0.0.3", "2001:db8::1"));
    expect(&wire, "{'id':1,'error':{'code':12,'data':{'name':'DENIED','rule':'deny 127.0.0.0/8'}}}");
    expect_untouched();
    await_log("service.example.:");
    await_log(", which is 127.0.0.");
    tear_down_conf();
    name_server_close(server);
}
END_TEST

START_TEST(what_was_tried_and_failed_says_more_than_a_denial)
{
    NEEDS_NAME_SERVER();
    int server = name_server_open();

    set_up_rules("deny = 127.0.0.1", NULL);
    ask_for_name(server, ARGUMENTS("127.0.0.2", "127.0.0.1"));
    expect(&wire,
           "{'id':1,'error':{'code':9,'data':{'name':'CONNECT_FAILED','errno':'ECONNREFUSED',"
           "'address':'127.0.0.2:%s'}}}",
           port_number());
    expect_untouched();
    tear_down_conf();
    name_server_close(server);
}
END_TEST

/* ---- The log ---------------------------------------------------------------------------------------------------- */

START_TEST(a_flood_of_denials_is_a_few_lines)
{
    int lines = 0;

    set_up_rules("deny = *", NULL);
    for (int i = 0; i < 300; i++)
        call_fails(&wire, "DENIED", "{}", "register", "[1,'127.0.0.1:%d']", i + 1);
    wire_close(&wire);
    port_close(&port);
    kill(minimiod.process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&minimiod.process, PROCESS_TIMEOUT_MS), 0);
    for (const char *at = minimiod.process.err.text; (at = strstr(at, "denied: deny *")); at++)
        lines++;
    ck_assert_int_ge(lines, 10);
    ck_assert_int_lt(lines, 100);
    ck_assert_ptr_nonnull(strstr(minimiod.process.err.text, "were suppressed"));
    process_free(&minimiod.process);
    ck_assert_int_eq(rmdir(minimiod.folder), 0);
    conf_remove();
}
END_TEST

Suite *daemon_rules_suite(void)
{
    Suite *suite = suite_create("daemon_rules");
    TCase *tests = tcase_create("each its own daemon");

    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, a_denied_literal_is_told_and_not_tried, 0, LENGTH(literals));
    tcase_add_test(tests, localhost_is_no_way_around);
    tcase_add_test(tests, only_what_matches_is_denied);
    tcase_add_test(tests, what_is_not_allowed_is_denied_by_default);
    tcase_add_loop_test(tests, denied_addresses_of_a_name_are_passed_over, 0, LENGTH(orders));
    tcase_add_test(tests, a_name_with_denied_addresses_alone_is_denied);
    tcase_add_test(tests, what_was_tried_and_failed_says_more_than_a_denial);
    tcase_add_test(tests, a_flood_of_denials_is_a_few_lines);
    suite_add_tcase(suite, tests);
    return suite;
}
