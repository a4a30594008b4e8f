/* SPDX-License-Identifier: MIT */
/* SIGHUP: what holds from then on, what stays as it is, and that a wrong file changes nothing. */
#include "proto/limits.h"
#include "tests/daemon/conf.h"
#include "tests/daemon/name_server.h"
#include "tests/daemon/passing.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *daemon_reload_suite(void);

static void expect_limit(const char *name, int value)
{
    char path[64];

    snprintf(path, sizeof path, "limits.%s", name);
    ck_assert_int_eq(member(call(&wire, "hello", NULL), path)->valueint, value);
}

START_TEST(new_limits_hold_and_sessions_stay)
{
    struct wire second, third;
    int peer;

    conf_write("[limits]\nsessions = 5\nbatch = 10\n");
    set_up_conf(NULL);
    wire_open(&second, minimiod.socket);
    peer = open_stream(&second, 1, "");
    expect_limit("batch", 10);
    conf_write("[limits]\nsessions = 1\nregistrations = 1\n");
    reload_well();
    expect_limit("batch", 64);
    expect_limit("sessions", 1);
    expect_limit("registrations", 1);
    expect_limit("registrations_uid", 1);
    write_byte(peer);
    expect_event(&second, 1, READY_READABLE);
    call_fails(&wire, "LIMIT_EXCEEDED", "{'limit':'registrations'}", "register", "[1,'%s']", port.address);
    wire_open(&third, minimiod.socket);
    expect(&third, "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'sessions','max':1}}}");
    wire_close(&third);
    wire_close(&second);
    close(peer);
    tear_down_conf();
}
END_TEST

/* Each limit of hello's, by its name; the lines of a batch bind each other. */
START_TEST(every_limit_is_reread)
{
    const struct limit_info *limit = &limit_table[_i];
    const char *batch = strcmp(limit->name, "line_bytes") == 0 ? "batch = 1\n" : "";

    conf_write("# none\n");
    set_up_conf(NULL);
    conf_write("[limits]\n%s = %u\n%s", limit->name, limit->min + 1, batch);
    reload_well();
    expect_limit(limit->name, (int)limit->min + 1);
    conf_write("[limits]\n%s = %u\n%s", limit->name, limit->min, batch);
    reload_well();
    expect_limit(limit->name, (int)limit->min);
    tear_down_conf();
}
END_TEST

START_TEST(the_command_line_goes_before_the_file_then_too)
{
    conf_write("[limits]\nbatch = 10\nmessage_depth = 10\n");
    set_up_conf(ARGUMENTS("--limit", "batch=7"));
    expect_limit("batch", 7);
    expect_limit("message_depth", 10);
    conf_write("[limits]\nbatch = 11\nmessage_depth = 11\n");
    reload_well();
    expect_limit("batch", 7);
    expect_limit("message_depth", 11);
    tear_down_conf();
}
END_TEST

START_TEST(new_rules_hold_and_streams_stay)
{
    int peer;

    conf_write("[targets]\ndeny = 127.0.0.2\n");
    set_up_conf(NULL);
    peer = open_stream(&wire, 1, "");
    conf_write("[targets]\ndeny = 127.0.0.1\n");
    reload_well();
    call_fails(&wire, "DENIED", "{'rule':'deny 127.0.0.1'}", "register", "[2,'%s']", port.address);
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    conf_write("# none\n");
    reload_well();
    close(open_stream(&wire, 2, ""));
    close(peer);
    tear_down_conf();
}
END_TEST

/* The rules of an attempt are those of its moment. */
START_TEST(a_name_asked_for_before_is_judged_by_the_new_rules)
{
    NEEDS_NAME_SERVER();
    int server = name_server_open();

    conf_write("# none\n");
    set_up_conf(NULL);
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'a.example.%s']}", strchr(port.address, ':'));
    name_server_await(server);
    conf_write("[targets]\ndeny = 127.0.0.1\n");
    reload_well();
    name_server_answer(server, 2, ARGUMENTS("127.0.0.1"));
    expect(&wire, "{'id':1,'error':{'data':{'name':'DENIED'}}}");
    tear_down_conf();
    name_server_close(server);
}
END_TEST

START_TEST(who_may_connect_changes)
{
    struct wire visitor;

    if (!can_be_others())
        return;
    conf_write("[daemon]\nsocket-mode = 0666\n");
    set_up_conf(NULL);
    wire_open_as(&visitor, 4711, 4711, NULL, 0);
    call(&visitor, "ping", NULL);
    conf_write("[daemon]\nsocket-mode = 0666\n[access]\nusers = 4712\n");
    reload_well();
    call(&visitor, "ping", NULL);
    wire_close(&visitor);
    wire_open_as(&visitor, 4711, 4711, NULL, 0);
    expect(&visitor, "{'error':{'data':{'name':'DENIED','rule':'access'}}}");
    wire_close(&visitor);
    tear_down_conf();
}
END_TEST

/* At the level of errors the daemon does not say that it has reread the file, so a rule tells: it is denied once the
 * file is in force. Of that denial nothing is said any more, but of an error it is. */
START_TEST(the_log_level_changes)
{
    const char *name;

    conf_write("[targets]\ndeny = *:1\n");
    set_up_conf(NULL);
    call_fails(&wire, "DENIED", "{}", "register", "[1,'127.0.0.1:1']");
    await_log("denied: deny *:1");
    conf_write("[daemon]\nlog-level = error\n[targets]\ndeny = *:2\n");
    kill(minimiod.process.pid, SIGHUP);
    do {
        say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'127.0.0.1:2']}");
        name = member(expect(&wire, "{'id':1,'error':{}}"), "error.data.name")->valuestring;
    } while (strcmp(name, "DENIED") != 0);
    conf_write("[daemon]\nlog-level = none\n");
    reload_in_vain();
    ck_assert_ptr_null(strstr(minimiod.process.err.text, "denied: deny *:2"));
    tear_down_conf();
}
END_TEST

START_TEST(the_socket_waits_for_the_next_start)
{
    conf_write("# none\n");
    set_up_conf(NULL);
    conf_write("[daemon]\nsocket-mode = 0640\n");
    kill(minimiod.process.pid, SIGHUP);
    await_log("socket and socket-mode stay as they are until the next start");
    await_log("is in force");
    call(&wire, "ping", NULL);
    tear_down_conf();
}
END_TEST

START_TEST(a_wrong_file_changes_nothing)
{
    char place[256];

    conf_write("[limits]\nbatch = 10\n[targets]\ndeny = 127.0.0.2\n");
    set_up_conf(NULL);
    conf_write("[limits]\nbatch = 11\n\n[targets]\nallow = 127.0.0.2\nspeed = 3\n");
    kill(minimiod.process.pid, SIGHUP);
    snprintf(place, sizeof place, "%s:6: there is no key 'speed'", conf_path);
    await_log(place);
    snprintf(place, sizeof place, "%s:5: there is a rule that allows", conf_path);
    await_log(place);
    await_log("the previous configuration stays in force");
    expect_limit("batch", 10);
    call_fails(&wire, "DENIED", "{'rule':'deny 127.0.0.2'}", "register", "[1,'127.0.0.2:1']");
    conf_write("[limits]\nbatch = 12\n");
    reload_well();
    expect_limit("batch", 12);
    tear_down_conf();
}
END_TEST

START_TEST(a_file_that_is_gone_takes_no_rule_with_it)
{
    conf_write("[targets]\ndeny = 127.0.0.2\n");
    set_up_conf(NULL);
    ck_assert_int_eq(unlink(conf_path), 0);
    kill(minimiod.process.pid, SIGHUP);
    await_log("no such file");
    await_log("the previous configuration stays in force");
    call_fails(&wire, "DENIED", "{}", "register", "[1,'127.0.0.2:1']");
    tear_down_conf();
}
END_TEST

/* The daemon goes on serving and ends at SIGTERM, which tear_down_conf checks. */
START_TEST(a_file_that_became_a_pipe_changes_nothing)
{
    conf_write("[limits]\nbatch = 10\n");
    set_up_conf(NULL);
    ck_assert_int_eq(unlink(conf_path), 0);
    ck_assert_int_eq(mkfifo(conf_path, 0600), 0);
    kill(minimiod.process.pid, SIGHUP);
    await_log("is a pipe: the configuration must be a regular file");
    await_log("the previous configuration stays in force");
    expect_limit("batch", 10);
    ck_assert_int_eq(unlink(conf_path), 0);
    conf_write("[limits]\nbatch = 11\n");
    reload_well();
    expect_limit("batch", 11);
    tear_down_conf();
}
END_TEST

/* A message that is half there when its limit falls below what came of it is a fault like any other. */
START_TEST(limits_change_in_the_middle_of_a_message)
{
    char half[2000];

    conf_write("# none\n");
    set_up_conf(NULL);
    memset(half, ' ', sizeof half);
    memcpy(half, "{\"a\":[[[[[[", 11);
    half[sizeof half - 1] = '\0';
    wire_send(&wire, half);
    for (int i = 0; i < 2; i++) {
        struct wire other;

        wire_open(&other, minimiod.socket); /* its round trip gives the half its turn */
        call(&other, "ping", NULL);
        wire_close(&other);
        conf_write("[limits]\nmessage_bytes = 1000\nmessage_depth = 4\n");
        reload_well();
    }
    wire_send(&wire, "1]]]]]]}\n");
    expect(&wire, "{'id':null,'error':{'code':-32600,'data':{'limit':'message_bytes','max':1000}}}");
    call(&wire, "ping", NULL);
    tear_down_conf();
}
END_TEST

/* An answer that waits in a batch keeps its place, whatever has become of the line's length meanwhile. */
START_TEST(limits_change_in_the_middle_of_a_batch)
{
    struct black_hole hole;

    conf_write("# none\n");
    set_up_conf(NULL);
    black_hole_open(&hole);
    say(&wire,
        "[{'jsonrpc':'2.0','id':1,'method':'rpc'},{'jsonrpc':'2.0','id':2,'method':'register','params':[1,'%s']},"
        "{'jsonrpc':'2.0','id':3,'method':'list'}]",
        hole.port.address);
    call(&wire, "ping", NULL);
    conf_write("[limits]\nline_bytes = 8192\nbatch = 1\n");
    reload_well();
    say(&wire, "{'jsonrpc':'2.0','method':'deregister','params':[1]}");
    expect(&wire, "[{'id':1},{'id':2,'error':{'data':{'name':'CANCELLED'}}},{'id':3}]");
    black_hole_close(&hole);
    tear_down_conf();
}
END_TEST

/* Descriptors that came under the old limit are claimed under the new one; the limit holds for those that come next. */
START_TEST(fewer_unclaimed_descriptors_end_no_session)
{
    int pair[2], peers[4];

    conf_write("[limits]\ndescriptors_unclaimed = 5\n");
    set_up_conf(NULL);
    for (int i = 0; i < 4; i++) {
        make_pair(SOCK_STREAM, pair);
        send_with(&wire, "\n", 1, pair, 1);
        close(pair[0]);
        peers[i] = pair[1];
    }
    call(&wire, "ping", NULL);
    conf_write("[limits]\ndescriptors_unclaimed = 1\n");
    reload_well();
    call(&wire, "ping", NULL);
    for (int i = 0; i < 3; i++)
        call(&wire, "register", "{'token':%d,'fd':true,'interests':[]}", i);
    make_pair(SOCK_STREAM, pair);
    send_with(&wire, "\n", 1, pair, 1);
    expect(&wire, "{'id':null,'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors'}}}");
    close(pair[0]);
    close(pair[1]);
    for (int i = 0; i < 4; i++)
        close(peers[i]);
    tear_down_conf();
}
END_TEST

/* A loop that was given more time keeps it until it lingers, and lingers for the new limit. */
START_TEST(a_shorter_linger_holds_for_loops_that_are_there)
{
    struct wire other;

    conf_write("# none\n");
    set_up_conf(NULL);
    wire_open(&other, minimiod.socket);
    call(&other, "open_loop", "{'name':'x','linger_ms':50000000}");
    conf_write("[limits]\nlinger_ms = 40\n");
    reload_well();
    call_fails(&wire, "LIMIT_EXCEEDED", "{'limit':'linger_ms','max':40}", "open_loop", "{'name':'y','linger_ms':41}");
    call(&wire, "open_loop", "{'name':'y'}"); /* whose default is longer */
    wire_close(&other);
    while (cJSON_GetArraySize(member(call(&wire, "loops", NULL), "loops")) > 1)
        ;
    tear_down_conf();
}
END_TEST

START_TEST(many_signals_lose_nothing)
{
    conf_write("[limits]\nbatch = 10\n[targets]\ndeny = 127.0.0.2\n");
    set_up_conf(NULL);
    for (int i = 0; i < 200; i++) {
        kill(minimiod.process.pid, SIGHUP);
        call(&wire, "ping", NULL);
        call_fails(&wire, "DENIED", "{}", "register", "[1,'127.0.0.2:1']");
    }
    conf_write("[limits]\nbatch = 11\n");
    kill(minimiod.process.pid, SIGHUP);
    while (member(call(&wire, "hello", NULL), "limits.batch")->valueint != 11)
        ;
    tear_down_conf();
}
END_TEST

Suite *daemon_reload_suite(void)
{
    Suite *suite = suite_create("daemon_reload");
    TCase *tests = tcase_create("each its own daemon");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, new_limits_hold_and_sessions_stay);
    tcase_add_loop_test(tests, every_limit_is_reread, 0, (int)limit_count);
    tcase_add_test(tests, the_command_line_goes_before_the_file_then_too);
    tcase_add_test(tests, new_rules_hold_and_streams_stay);
    tcase_add_test(tests, a_name_asked_for_before_is_judged_by_the_new_rules);
    tcase_add_test(tests, who_may_connect_changes);
    tcase_add_test(tests, the_log_level_changes);
    tcase_add_test(tests, the_socket_waits_for_the_next_start);
    tcase_add_test(tests, a_wrong_file_changes_nothing);
    tcase_add_test(tests, a_file_that_is_gone_takes_no_rule_with_it);
    tcase_add_test(tests, a_file_that_became_a_pipe_changes_nothing);
    tcase_add_test(tests, limits_change_in_the_middle_of_a_message);
    tcase_add_test(tests, limits_change_in_the_middle_of_a_batch);
    tcase_add_test(tests, fewer_unclaimed_descriptors_end_no_session);
    tcase_add_test(tests, a_shorter_linger_holds_for_loops_that_are_there);
    tcase_add_test(tests, many_signals_lose_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
