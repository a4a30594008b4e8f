/* SPDX-License-Identifier: MIT */
/* Opening loops, anonymous and named, again and from others; leaving and listing them. */
#include "tests/daemon/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *daemon_loops_suite(void);

static struct wire other;

static void set_up_with_other(void)
{
    set_up();
    wire_open(&other, minimiod.socket);
}

static void tear_down_with_other(void)
{
    wire_close(&other);
    tear_down();
}

static void expect_no_loop(struct wire *on)
{
    call_fails(on, "LOOP_CLOSED", NULL, "list", NULL);
    call_fails(on, "LOOP_CLOSED", NULL, "poll", NULL);
    call_fails(on, "LOOP_CLOSED", NULL, "close_loop", NULL);
    call(on, "ping", NULL);
    call(on, "loops", NULL);
}

/* ---- Forms of open_loop ----------------------------------------------------------------------------------------- */

START_TEST(a_session_begins_in_an_anonymous_push_loop)
{
    expect_in(call(&wire, "list", NULL), "{'loop':null,'registrations':[]}");
    call_fails(&wire, "WRONG_DELIVERY", NULL, "poll", "{'timeout_ms':0}");
    expect_in(call(&wire, "loops", NULL), "{'loops':[],'next':null}");
}
END_TEST

START_TEST(the_anonymous_loop_is_opened_anew)
{
    expect_in(call(&wire, "open_loop", NULL), "{'loop':null,'created':true,'delivery':'push','registrations':0}");
    expect_in(call(&wire, "open_loop", "{'delivery':'poll'}"),
              "{'loop':null,'created':true,'delivery':'poll','registrations':0}");
    expect_in(call(&wire, "open_loop", "{'name':null,'linger_ms':5}"),
              "{'loop':null,'created':true,'delivery':'push'}");
    ck_assert_int_eq(counter(&wire, "loops"), 2);
}
END_TEST

START_TEST(a_named_loop_is_created_once_and_rejoined)
{
    expect_in(call(&wire, "open_loop", "['x']"), "{'loop':'x','created':true,'delivery':'push','registrations':0}");
    expect_in(call(&wire, "list", NULL), "{'loop':'x'}");
    expect_in(call(&wire, "open_loop", "['x']"), "{'loop':'x','created':false,'delivery':'push','registrations':0}");
    close(open_stream(&wire, 1, ""));
    call(&wire, "deregister", "[1]");
    expect_in(call(&wire, "open_loop", "['y']"), "{'loop':'y','created':true}");
    expect_in(call(&wire, "open_loop", "['x']"), "{'loop':'x','created':false}");
}
END_TEST

START_TEST(delivery_and_linger_stay_unless_they_are_given)
{
    call(&wire, "open_loop", "['x','poll',false,12345]");
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'name':'x','linger_ms':12345,'attached':true}]}");
    call(&wire, "open_loop", NULL);
    expect_in(call(&wire, "open_loop", "['x']"), "{'created':false,'delivery':'poll'}");
    expect_in(call(&wire, "open_loop", "['x',null,null,null]"), "{'created':false,'delivery':'poll'}");
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'linger_ms':12345}]}");
    expect_in(call(&wire, "open_loop", "{'name':'x','delivery':'push'}"), "{'delivery':'push'}");
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'linger_ms':12345}]}");
    expect_in(call(&wire, "open_loop", "{'name':'x','linger_ms':86400000}"), "{'delivery':'push'}");
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'linger_ms':86400000}]}");
    call(&wire, "open_loop", "['fresh']");
    expect_in(call(&wire, "loops", NULL), "{'loops':[{'name':'fresh','linger_ms':600000},{'name':'x'}]}");
}
END_TEST

START_TEST(a_loop_with_registrations_is_not_left)
{
    struct black_hole hole;
    int peer = open_stream(&wire, 1, "");

    call_fails(&wire, "LOOP_OPEN", NULL, "open_loop", NULL);
    call_fails(&wire, "LOOP_OPEN", NULL, "open_loop", "['x']");
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    call(&wire, "deregister", "[1]");
    call(&wire, "open_loop", "['x']");
    close(peer);
    peer = open_stream(&wire, 2, "");
    call_fails(&wire, "LOOP_OPEN", NULL, "open_loop", "['x']");
    call_fails(&wire, "LOOP_OPEN", NULL, "open_loop", "{'name':'x','takeover':true}");
    call(&wire, "deregister", "[2]");
    close(peer);
    black_hole_open(&hole);
    say(&wire, "{'jsonrpc':'2.0','id':'c','method':'register','params':[3,'%s']}", hole.port.address);
    call_fails(&wire, "LOOP_OPEN", NULL, "open_loop", NULL);
    call(&wire, "ping", NULL);
    black_hole_close(&hole);
}
END_TEST

START_TEST(a_refused_open_loop_leaves_everything_as_it_was)
{
    int peer;

    call(&other, "open_loop", "['theirs','poll',false,500]");
    call(&wire, "open_loop", "['mine']");
    call_fails(&wire, "LOOP_BUSY", NULL, "open_loop", "['theirs','push',false,1]");
    expect_in(call(&wire, "list", NULL), "{'loop':'mine'}");
    expect_in(call(&wire, "loops", NULL),
              "{'loops':[{'name':'mine','attached':true},{'name':'theirs','attached':true,'linger_ms':500}]}");
    peer = open_stream(&wire, 1, "");
    call_fails(&wire, "LOOP_OPEN", NULL, "open_loop", "{'name':'theirs','takeover':true}");
    call(&other, "poll", "[0]");
    close(peer);
}
END_TEST

/* ---- Parameters ------------------------------------------------------------------------------------------------- */

#define SIXTY_FOUR "0123456789abcdef0123456789ABCDEF0123456789._-___ghijklmnopqrstuv"

START_TEST(names_are_what_the_protocol_allows)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    for (int c = 1; c <= 0xff; c++)
        if (c < 0x80 && strchr(allowed, c))
            expect_in(call(&wire, "open_loop", "{'name':'a\\u%04xb'}", c), "{'loop':'a\\u%04xb','created':true}", c);
        else
            call_fails(&wire, "INVALID_PARAMS", "{'param':'name'}", "open_loop", "{'name':'a\\u%04xb'}", c);
    for (const char *c = allowed; *c; c++)
        expect_in(call(&wire, "open_loop", "['%c']", *c), "{'loop':'%c','created':true}", *c);
    expect_in(call(&wire, "open_loop", "['" SIXTY_FOUR "']"), "{'loop':'" SIXTY_FOUR "','created':true}");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'name'}", "open_loop", "['" SIXTY_FOUR "x']");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'name'}", "open_loop", "['']");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'name'}", "open_loop", "['\xc3\xa9']");
}
END_TEST

static const struct {
    const char *params, *param;
} bad_params[] = {
    {"{'name':1}", "name"},
    {"{'name':['x']}", "name"},
    {"{'name':true}", "name"},
    {"{'name':'x','delivery':'level'}", "delivery"},
    {"{'name':'x','delivery':''}", "delivery"},
    {"{'name':'x','delivery':1}", "delivery"},
    {"{'name':'x','takeover':1}", "takeover"},
    {"{'name':'x','takeover':'true'}", "takeover"},
    {"{'name':'x','linger_ms':-1}", "linger_ms"},
    {"{'name':'x','linger_ms':1.5}", "linger_ms"},
    {"{'name':'x','linger_ms':9007199254740992}", "linger_ms"},
    {"{'name':'x','linger_ms':'1'}", "linger_ms"},
    {"{'name':'x','lingers':1}", "lingers"},
    {"['x','push',false,1,1]", "role"},
    {"{'name':'x','role':'chief'}", "role"},
    {"{'role':'guest'}", "name"},
    {"{'role':'worker'}", "name"},
    {"{'name':'x','prefetch':2}", "prefetch"},
    {"{'name':'x','role':'guest','prefetch':1}", "prefetch"},
    {"{'name':'x','role':'worker','prefetch':0}", "prefetch"},
    {"{'name':'x','role':'worker','prefetch':257}", "prefetch"},
    {"{'name':'x','role':'guest','takeover':true}", "takeover"},
    {"{'name':'x','wait_ms':-1}", "wait_ms"},
    {"{'name':'x','create':0}", "create"},
    {"{'create':false}", "create"},
    {"['x','push',false,1,'owner',null,0,true,1]", "params"},
};

START_TEST(a_bad_parameter_is_named_and_opens_nothing)
{
    call_fails(&wire, "INVALID_PARAMS", NULL, "open_loop", "%s", bad_params[_i].params);
    expect_in(member(wire.message, "error.data"), "{'param':'%s'}", bad_params[_i].param);
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
    expect_in(call(&wire, "list", NULL), "{'loop':null}");
}
END_TEST

START_TEST(loops_has_its_limits)
{
    call_fails(&wire, "INVALID_PARAMS", "{'param':'limit'}", "loops", "{'limit':0}");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'limit'}", "loops", "{'limit':101}");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'after'}", "loops", "{'after':'a b'}");
    call_fails(&wire, "INVALID_PARAMS", "{'param':'after'}", "loops", "{'after':1}");
}
END_TEST

/* ---- Takeover --------------------------------------------------------------------------------------------------- */

START_TEST(a_loop_in_use_is_busy_until_it_is_taken_over)
{
    int peer;

    call(&other, "open_loop", "['x']");
    peer = open_stream(&other, 1, ",'mode':'edge'");
    call_fails(&wire, "LOOP_BUSY", NULL, "open_loop", "['x']");
    call_fails(&wire, "LOOP_BUSY", NULL, "open_loop", "{'name':'x','takeover':false}");
    expect_in(call(&wire, "open_loop", "{'name':'x','takeover':true}"),
              "{'loop':'x','created':false,'delivery':'push','registrations':1}");
    expect(&other, "{'method':'loop_detached','params':{'loop':'x','reason':'takeover'}}");
    expect_no_loop(&other);
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    expect_silence(&other);
    close(peer);
}
END_TEST

START_TEST(one_that_was_taken_over_can_open_loops_again)
{
    call(&other, "open_loop", "['x']");
    call(&wire, "open_loop", "{'name':'x','takeover':true}");
    expect(&other, "{'method':'loop_detached'}");
    call_fails(&other, "LOOP_BUSY", NULL, "open_loop", "['x']");
    expect_no_loop(&other);
    expect_in(call(&other, "open_loop", NULL), "{'loop':null,'created':true,'registrations':0}");
    expect_in(call(&other, "open_loop", "{'name':'x','takeover':true}"), "{'created':false}");
    expect(&wire, "{'method':'loop_detached','params':{'loop':'x'}}");
    expect_no_loop(&wire);
    close(open_stream(&other, 1, ""));
}
END_TEST

START_TEST(what_waits_in_a_loop_taken_over_is_answered_first)
{
    struct black_hole hole;

    black_hole_open(&hole);
    call(&other, "open_loop", "['x','poll']");
    say(&other, "{'jsonrpc':'2.0','id':'r','method':'register','params':[7,'%s']}", hole.port.address);
    say(&other, "[{'jsonrpc':'2.0','id':'p','method':'poll'},{'jsonrpc':'2.0','id':'q','method':'ping'}]");
    expect_silence(&other);
    expect_in(call(&wire, "open_loop", "{'name':'x','takeover':true}"), "{'delivery':'poll','registrations':0}");
    expect(&other, "{'id':'r','error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect(&other, "[{'id':'p','error':{'data':{'name':'LOOP_CLOSED'}}},{'id':'q','result':{}}]");
    expect(&other, "{'method':'loop_detached','params':{'loop':'x','reason':'takeover'}}");
    expect_no_loop(&other);
    expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    close(open_stream(&wire, 7, ""));
    black_hole_close(&hole);
}
END_TEST

/* Readiness told to the one before, taken or not, is told to the one who comes. */
START_TEST(a_takeover_tells_again_what_is_ready)
{
    int fired, quiet;

    call(&other, "open_loop", "['x']");
    fired = open_stream(&other, 1, "");
    quiet = open_stream(&other, 2, "");
    write_byte(fired);
    expect_event(&other, 1, READY_READABLE);
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'open_loop','params':{'name':'x','takeover':true}}");
    expect(&wire, "{'id':1,'result':{'registrations':2}}");
    expect_event(&wire, 1, READY_READABLE);
    expect_silence(&wire);
    close(fired);
    close(quiet);
}
END_TEST

START_TEST(a_takeover_needs_nobody_there)
{
    expect_in(call(&wire, "open_loop", "{'name':'x','takeover':true}"), "{'created':true}");
    expect_in(call(&wire, "open_loop", "{'name':'x','takeover':true}"), "{'created':false}");
    expect_silence(&wire);
}
END_TEST

/* ---- Leaving and closing ---------------------------------------------------------------------------------------- */

START_TEST(opening_another_leaves_the_first_free)
{
    call(&wire, "open_loop", "['x']");
    call(&wire, "open_loop", "['y']");
    expect_in(call(&wire, "loops", NULL),
              "{'loops':[{'name':'x','attached':false},{'name':'y','attached':true}],'next':null}");
    expect_in(call(&other, "open_loop", "['x']"), "{'created':false}");
    call_fails(&wire, "LOOP_BUSY", NULL, "open_loop", "['x']");
}
END_TEST

START_TEST(a_closed_loop_frees_its_name_and_its_streams)
{
    int peer;

    call(&wire, "open_loop", "['x','poll']");
    peer = open_stream(&wire, 1, ",'mode':'level'");
    call(&wire, "close_loop", NULL);
    expect_eof(peer);
    close(peer);
    expect_no_loop(&wire);
    expect_in(call(&wire, "loops", NULL), "{'loops':[]}");
    expect_in(call(&other, "open_loop", "['x']"), "{'created':true,'delivery':'push','registrations':0}");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
}
END_TEST

START_TEST(the_end_of_the_daemon_names_the_loop)
{
    set_up_with_other();
    call(&wire, "open_loop", "['x']");
    call(&other, "open_loop", "['y','poll']");
    say(&other, "{'jsonrpc':'2.0','id':1,'method':'poll'}");
    expect_silence(&other);
    kill(minimiod.process.pid, SIGTERM);
    expect(&wire, "{'method':'loop_closed','params':{'loop':'x','reason':'shutdown'}}");
    expect_end(&wire);
    expect(&other, "{'id':1,'error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect(&other, "{'method':'loop_closed','params':{'loop':'y','reason':'shutdown'}}");
    expect_end(&other);
    tear_down_with_other();
}
END_TEST

/* ---- Pages ------------------------------------------------------------------------------------------------------ */

START_TEST(loops_are_paged_by_name)
{
    static const char *const names[] = {"-", "A", "B", "a", "aa", "b"};

    for (int i = LENGTH(names); i--;)
        call(&wire, "open_loop", "['%s']", names[i]);
    for (int i = 0; i < LENGTH(names); i++)
        if (i + 1 < LENGTH(names))
            expect_in(call(&wire, "loops", i ? "{'limit':1,'after':'%s'}" : "{'limit':1}", i ? names[i - 1] : NULL),
                      "{'loops':[{'name':'%s','uid':%u}],'next':'%s'}", names[i], geteuid(), names[i]);
    expect_in(call(&wire, "loops", "['aa',1]"), "{'loops':[{'name':'b'}],'next':null}");
    expect_in(call(&wire, "loops", "['b']"), "{'loops':[],'next':null}");
    expect_in(call(&wire, "loops", "['Z',2]"), "{'loops':[{'name':'a'},{'name':'aa'}],'next':'aa'}");
    ck_assert_int_eq(cJSON_GetArraySize(member(call(&wire, "loops", NULL), "loops")), LENGTH(names));
}
END_TEST

#define MANY 120

START_TEST(a_page_has_a_hundred_at_most)
{
    for (int i = 0; i < MANY; i++)
        call(&wire, "open_loop", "['loop-%03d']", i);
    call(&wire, "loops", NULL);
    expect_in(wire.message, "{'result':{'next':'loop-099'}}");
    ck_assert_int_eq(cJSON_GetArraySize(member(wire.message, "result.loops")), 100);
    call(&wire, "loops", "['loop-099']");
    expect_in(wire.message, "{'result':{'next':null}}");
    ck_assert_int_eq(cJSON_GetArraySize(member(wire.message, "result.loops")), MANY - 100);
}
END_TEST

Suite *daemon_loops_suite(void)
{
    Suite *suite = suite_create("daemon_loops");
    TCase *tests = tcase_create("loops");

    tcase_add_checked_fixture(tests, set_up_with_other, tear_down_with_other);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_session_begins_in_an_anonymous_push_loop);
    tcase_add_test(tests, the_anonymous_loop_is_opened_anew);
    tcase_add_test(tests, a_named_loop_is_created_once_and_rejoined);
    tcase_add_test(tests, delivery_and_linger_stay_unless_they_are_given);
    tcase_add_test(tests, a_loop_with_registrations_is_not_left);
    tcase_add_test(tests, a_refused_open_loop_leaves_everything_as_it_was);
    tcase_add_test(tests, names_are_what_the_protocol_allows);
    tcase_add_loop_test(tests, a_bad_parameter_is_named_and_opens_nothing, 0, LENGTH(bad_params));
    tcase_add_test(tests, loops_has_its_limits);
    tcase_add_test(tests, a_loop_in_use_is_busy_until_it_is_taken_over);
    tcase_add_test(tests, one_that_was_taken_over_can_open_loops_again);
    tcase_add_test(tests, what_waits_in_a_loop_taken_over_is_answered_first);
    tcase_add_test(tests, a_takeover_tells_again_what_is_ready);
    tcase_add_test(tests, a_takeover_needs_nobody_there);
    tcase_add_test(tests, opening_another_leaves_the_first_free);
    tcase_add_test(tests, a_closed_loop_frees_its_name_and_its_streams);
    tcase_add_test(tests, loops_are_paged_by_name);
    tcase_add_test(tests, a_page_has_a_hundred_at_most);
    tests = tcase_create("each its own daemon");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, the_end_of_the_daemon_names_the_loop);
    return suite;
}
