/* SPDX-License-Identifier: MIT */
/* cancel: which waiting call it ends, and what the two answers are. */
#include "tests/daemon/crew.h"

#include <unistd.h>

Suite *daemon_cancel_suite(void);

#define FIRST  (&crew[0])
#define SECOND (&crew[1])

static struct black_hole hole;

static void say_register(struct wire *on, const char *id, uint64_t token)
{
    say(on, "{'jsonrpc':'2.0','id':%s,'method':'register','params':[%llu,'%s']}", id, (unsigned long long)token,
        hole.port.address);
}

static void say_cancel(struct wire *on, const char *id)
{
    say(on, "{'jsonrpc':'2.0','id':'cancel','method':'cancel','params':{'id':%s}}", id);
}

static void expect_cancelled(struct wire *on, const char *id)
{
    say_cancel(on, id);
    expect(on, "{'id':%s,'error':{'code':11,'data':{'name':'CANCELLED'}}}", id);
    expect_line(on, "{'jsonrpc':'2.0','id':'cancel','result':{'cancelled':true}}");
}

static void expect_none(struct wire *on, const char *id)
{
    say_cancel(on, id);
    expect_line(on, "{'jsonrpc':'2.0','id':'cancel','result':{'cancelled':false}}");
}

/* ---- What waits -------------------------------------------------------------------------------------------------- */

static const char *const ids[] = {"1", "'1'", "null", "''", "-1.50", "1e2", "'\\u0041'"};

START_TEST(a_poll_is_cancelled_by_its_id)
{
    call(FIRST, "open_loop", "{'delivery':'poll'}");
    say(FIRST, "{'jsonrpc':'2.0','id':%s,'method':'poll'}", ids[_i]);
    expect_none(FIRST, "'other'");
    expect_cancelled(FIRST, ids[_i]);
    expect_none(FIRST, ids[_i]);
    expect_in(call(FIRST, "poll", "[0]"), "{'events':[]}"); /* there may be another */
}
END_TEST

START_TEST(a_register_is_cancelled_by_its_id)
{
    black_hole_open(&hole);
    say_register(FIRST, ids[_i], 1);
    expect_in(call(FIRST, "list", NULL), "{'registrations':[{'token':1,'state':'connecting'}]}");
    expect_cancelled(FIRST, ids[_i]);
    expect_in(call(FIRST, "list", NULL), "{'registrations':[]}");
    ck_assert_int_eq(counter(FIRST, "registrations"), 0);
    close(open_stream(FIRST, 1, ""));
    black_hole_close(&hole);
}
END_TEST

START_TEST(an_open_loop_is_cancelled_by_its_id)
{
    enter(SECOND, "owner", "");
    say(FIRST, "{'jsonrpc':'2.0','id':%s,'method':'open_loop','params':{'name':'x','wait_ms':60000}}", ids[_i]);
    expect_silence(FIRST);
    expect_cancelled(FIRST, ids[_i]);
    expect_in(call(FIRST, "list", NULL), "{'loop':null}");
    die(SECOND);
    enter(FIRST, "owner", "");
}
END_TEST

/* ---- Ids --------------------------------------------------------------------------------------------------------- */

static const char *const unlike[][2] = {
    {"1", "'1'"},       {"'1'", "1"},   {"1", "1.0"},    {"100", "1e2"},  {"'A'", "'\\u0041'"},
    {"null", "'null'"}, {"'a'", "'A'"}, {"'a'", "'ab'"}, {"'ab'", "'a'"},
};

START_TEST(ids_are_compared_byte_for_byte)
{
    call(FIRST, "open_loop", "{'delivery':'poll'}");
    say(FIRST, "{'jsonrpc':'2.0','id':%s,'method':'poll'}", unlike[_i][0]);
    expect_none(FIRST, unlike[_i][1]);
    expect_cancelled(FIRST, unlike[_i][0]);
}
END_TEST

/* Whatever the three are. */
START_TEST(the_oldest_of_several_is_cancelled)
{
    black_hole_open(&hole);
    enter(SECOND, "owner", "");
    call(FIRST, "open_loop", "{'name':'y','delivery':'poll','role':'worker'}");
    say_register(FIRST, "1", 5);
    say(FIRST, "{'jsonrpc':'2.0','id':1,'method':'poll'}");
    say_register(FIRST, "1", 4);
    say(FIRST, "{'jsonrpc':'2.0','id':1,'method':'open_loop','params':{'name':'x','wait_ms':60000}}");
    say_register(FIRST, "1", 3);
    expect_cancelled(FIRST, "1");
    expect_in(call(FIRST, "list", NULL), "{'registrations':[{'token':3},{'token':4}]}");
    call_fails(FIRST, "POLL_PENDING", NULL, "poll", NULL);
    expect_cancelled(FIRST, "1");
    expect_in(call(FIRST, "poll", "[0]"), "{'events':[]}");
    expect_cancelled(FIRST, "1");
    expect_in(call(FIRST, "list", NULL), "{'registrations':[{'token':3}]}");
    ck_assert_int_eq(counter(FIRST, "waits"), 1);
    expect_cancelled(FIRST, "1");
    ck_assert_int_eq(counter(FIRST, "waits"), 0);
    expect_cancelled(FIRST, "1");
    expect_none(FIRST, "1");
    black_hole_close(&hole);
}
END_TEST

START_TEST(a_call_of_another_session_is_not_cancelled)
{
    enter(FIRST, "worker", ",'delivery':'poll'");
    enter(SECOND, "worker", "");
    say_poll(FIRST, "p", "[]");
    expect_silence(FIRST);
    expect_none(SECOND, "'p'");
    expect_silence(FIRST);
    expect_cancelled(FIRST, "'p'");
}
END_TEST

/* It has no id, and neither has a call whose id is null none. */
START_TEST(a_notification_is_not_cancelled)
{
    black_hole_open(&hole);
    say(FIRST, "{'jsonrpc':'2.0','method':'register','params':[1,'%s']}", hole.port.address);
    expect_none(FIRST, "null");
    expect_in(call(FIRST, "list", NULL), "{'registrations':[{'token':1}]}");
    black_hole_close(&hole);
}
END_TEST

START_TEST(a_cancel_may_be_a_notification)
{
    call(FIRST, "open_loop", "{'delivery':'poll'}");
    say_poll(FIRST, "p", "[]");
    say(FIRST, "{'jsonrpc':'2.0','method':'cancel','params':['p']}");
    expect(FIRST, "{'id':'p','error':{'data':{'name':'CANCELLED'}}}");
    expect_silence(FIRST);
}
END_TEST

/* The cancel may have the id of what it cancels. */
START_TEST(a_cancel_does_not_cancel_itself)
{
    call(FIRST, "open_loop", "{'delivery':'poll'}");
    say(FIRST, "{'jsonrpc':'2.0','id':7,'method':'cancel','params':[7]}");
    expect(FIRST, "{'id':7,'result':{'cancelled':false}}");
    say(FIRST, "{'jsonrpc':'2.0','id':7,'method':'poll'}");
    say(FIRST, "{'jsonrpc':'2.0','id':7,'method':'cancel','params':[7]}");
    expect(FIRST, "{'id':7,'error':{}}");
    expect(FIRST, "{'id':7,'result':{'cancelled':true}}");
}
END_TEST

START_TEST(a_batch_may_cancel_its_own_calls)
{
    black_hole_open(&hole);
    call(FIRST, "open_loop", "{'delivery':'poll'}");
    say(FIRST,
        "[{'jsonrpc':'2.0','id':1,'method':'poll'},{'jsonrpc':'2.0','id':2,'method':'register','params':[1,'%s']},"
        "{'jsonrpc':'2.0','id':3,'method':'cancel','params':[2]},{'jsonrpc':'2.0','id':4,'method':'cancel','params':"
        "[1]},{'jsonrpc':'2.0','id':5,'method':'cancel','params':[2]}]",
        hole.port.address);
    expect(FIRST, "[{'id':1,'error':{'data':{'name':'CANCELLED'}}},{'id':2,'error':{'data':{'name':'CANCELLED'}}},"
                  "{'id':3,'result':{'cancelled':true}},{'id':4,'result':{'cancelled':true}},"
                  "{'id':5,'result':{'cancelled':false}}]");
    say(FIRST, "[{'jsonrpc':'2.0','id':1,'method':'poll'},{'jsonrpc':'2.0','id':2,'method':'ping'}]");
    say_cancel(FIRST, "1"); /* from outside: the batch is complete before the reply */
    expect(FIRST, "[{'id':1,'error':{'data':{'name':'CANCELLED'}}},{'id':2,'result':{}}]");
    expect(FIRST, "{'id':'cancel','result':{'cancelled':true}}");
    black_hole_close(&hole);
}
END_TEST

/* The token stays ready, and is leased to no worker. */
START_TEST(a_cancelled_poll_loses_no_event)
{
    int peer;

    enter(FIRST, "worker", ",'delivery':'poll'");
    peer = open_stream(FIRST, 1, "");
    say_poll(FIRST, "p", "[]");
    expect_cancelled(FIRST, "'p'");
    write_byte(peer);
    expect_in(call(FIRST, "poll", NULL), "{'events':[{'token':1,'readable':true}]}");
    close(peer);
}
END_TEST

static const struct {
    const char *params, *param;
} bad_params[] = {{"{}", "id"},        {"[]", "id"},        {"{'id':true}", "id"},   {"{'id':[]}", "id"},
                  {"{'id':{}}", "id"}, {"[1,2]", "params"}, {"{'id':1,'x':1}", "x"}, {"null", "id"}};

START_TEST(a_bad_id_is_named)
{
    call_fails(FIRST, "INVALID_PARAMS", NULL, "cancel", "%s", bad_params[_i].params);
    expect_in(member(FIRST->message, "error.data"), "{'param':'%s'}", bad_params[_i].param);
}
END_TEST

Suite *daemon_cancel_suite(void)
{
    Suite *suite = suite_create("daemon_cancel");
    TCase *tests = add_crew_case(suite, "cancel");

    tcase_add_loop_test(tests, a_poll_is_cancelled_by_its_id, 0, LENGTH(ids));
    tcase_add_loop_test(tests, a_register_is_cancelled_by_its_id, 0, LENGTH(ids));
    tcase_add_loop_test(tests, an_open_loop_is_cancelled_by_its_id, 0, LENGTH(ids));
    tcase_add_loop_test(tests, ids_are_compared_byte_for_byte, 0, LENGTH(unlike));
    tcase_add_test(tests, the_oldest_of_several_is_cancelled);
    tcase_add_test(tests, a_call_of_another_session_is_not_cancelled);
    tcase_add_test(tests, a_notification_is_not_cancelled);
    tcase_add_test(tests, a_cancel_may_be_a_notification);
    tcase_add_test(tests, a_cancel_does_not_cancel_itself);
    tcase_add_test(tests, a_batch_may_cancel_its_own_calls);
    tcase_add_test(tests, a_cancelled_poll_loses_no_event);
    tcase_add_loop_test(tests, a_bad_id_is_named, 0, LENGTH(bad_params));
    return suite;
}
