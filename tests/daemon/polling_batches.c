/* SPDX-License-Identifier: MIT */
/* Polls within batches, and beside them: what is told in the array, and what only after it. */
#include "tests/daemon/fixture.h"

#include <string.h>
#include <unistd.h>

Suite *daemon_polling_batches_suite(void);

#define REQUEST(id, method, params) "{'jsonrpc':'2.0','id':" id ",'method':'" method "','params':" params "}"

static void set_up_polling(void)
{
    set_up();
    call(&wire, "open_loop", "{'delivery':'poll'}");
}

START_TEST(a_batch_with_a_poll_is_answered_when_that_is)
{
    int peer = open_stream(&wire, 1, ",'mode':'edge'");

    say(&wire, "[" REQUEST("1", "poll", "[0]") "," REQUEST("2", "ping", "{}") "]");
    expect(&wire, "[{'id':1,'result':{'events':[]}},{'id':2,'result':{}}]");
    say(&wire, "[" REQUEST("1", "poll", "[]") "," REQUEST("2", "ping", "{}") "," REQUEST("3", "poll", "[0]") "]");
    expect_silence(&wire);
    write_byte(peer);
    expect(&wire, "[{'id':1,'result':{'events':[{'token':1,'readable':true}]}},{'id':2},"
                  "{'id':3,'error':{'data':{'name':'POLL_PENDING'}}}]");
    say(&wire, "[" REQUEST("1", "poll", "[15]") "," REQUEST("2", "deregister", "[1]") "]");
    expect(&wire, "[{'id':1,'result':{'events':[]}},{'id':2,'result':{}}]");
    say(&wire, "[" REQUEST("1", "poll", "{}") "," REQUEST("2", "close_loop", "{}") "]");
    expect(&wire, "[{'id':1,'error':{'data':{'name':'LOOP_CLOSED'}}},{'id':2,'result':{}}]");
    close(peer);
}
END_TEST

START_TEST(a_loop_may_be_opened_and_polled_in_one_batch)
{
    struct wire next;
    int peer;

    say(&wire, "[" REQUEST("1", "open_loop", "['x','poll']") "," REQUEST("2", "poll", "[0]") "]");
    expect(&wire, "[{'id':1,'result':{'created':true}},{'id':2,'result':{'events':[]}}]");
    say(&wire, "[" REQUEST("1", "open_loop", "['x']") "," REQUEST("2", "poll", "[10]") "]");
    expect(&wire, "[{'id':1,'result':{'created':false}},{'id':2,'result':{'events':[]}}]");
    peer = open_stream(&wire, 1, "");
    write_byte(peer);
    wire_open(&next, minimiod.socket);
    say(&next, "[" REQUEST("1", "open_loop", "['x',null,true]") "," REQUEST("2", "poll", "{}") "]");
    expect(&next, "[{'id':1,'result':{'registrations':1}},{'id':2,'result':{'events':[{'token':1,'readable':true}]}}]");
    wire_close(&next);
    close(peer);
}
END_TEST

/* Its array has the reply to register before the events, as the replies stand in the order of the requests. */
START_TEST(a_stream_may_be_registered_and_polled_in_one_batch)
{
    int peer;

    say(&wire, "[" REQUEST("1", "register", "[1,'%s',false,['writable']]") "," REQUEST("2", "poll", "{}") "]",
        port.address);
    peer = port_accept(&port);
    expect(&wire, "[{'id':1,'result':{'token':1}},{'id':2,'result':{'events':[{'token':1,'writable':true}]}}]");
    close(peer);
}
END_TEST

/* A poll of another message is not told of a stream before the array with the reply to its register. */
START_TEST(a_poll_beside_a_batch_waits_for_the_array)
{
    struct black_hole hole;
    int peer;

    black_hole_open(&hole);
    say(&wire, "[" REQUEST("1", "register", "[1,'%s',false,['writable']]") "," REQUEST("2", "register", "[2,'%s']") "]",
        port.address, hole.port.address);
    peer = port_accept(&port);
    do
        call(&wire, "list", NULL);
    while (!strstr(wire.line, "\"writable\":true"));
    expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    say(&wire, REQUEST("'p'", "poll", "{}") REQUEST("'d'", "deregister", "[2]"));
    expect(&wire, "[{'id':1,'result':{'token':1}},{'id':2,'error':{'data':{'name':'CANCELLED'}}}]");
    expect(&wire, "{'id':'d'}");
    expect(&wire, "{'id':'p','result':{'events':[{'token':1,'writable':true}]}}");
    close(peer);
    black_hole_close(&hole);
}
END_TEST

/* Nor of what its stream has to tell once the batch's own poll has ended. */
START_TEST(after_the_poll_of_a_batch_its_streams_wait_for_the_array_again)
{
    struct black_hole hole;
    int peer;

    black_hole_open(&hole);
    say(&wire,
        "[" REQUEST("1", "register", "[1,'%s',false,['readable','writable'],'edge']") "," REQUEST(
            "2", "poll", "{}") "," REQUEST("3", "register", "[2,'%s']") "]",
        port.address, hole.port.address);
    peer = port_accept(&port);
    do { /* it has ended when another one may begin */
        say(&wire, REQUEST("'p'", "poll", "[0]"));
        ck_assert(wire_read(&wire));
    } while (strstr(wire.line, "POLL_PENDING"));
    expect_in(wire.message, "{'id':'p','result':{'events':[]}}");
    write_byte(peer);
    do
        call(&wire, "list", NULL);
    while (!strstr(wire.line, "\"readable\":true"));
    expect_in(call(&wire, "poll", "[0]"), "{'events':[]}");
    say(&wire, REQUEST("'d'", "deregister", "[2]"));
    expect(&wire, "[{'id':1,'result':{'token':1}},{'id':2,'result':{'events':[{'token':1,'writable':true}]}},"
                  "{'id':3,'error':{'data':{'name':'CANCELLED'}}}]");
    expect(&wire, "{'id':'d'}");
    expect_in(call(&wire, "poll", "[0]"), "{'events':[{'token':1,'readable':true}]}");
    close(peer);
    black_hole_close(&hole);
}
END_TEST

#define EVENTS 256

/* A poll in a full batch has its share of the line: what did not fit is told by the next. */
START_TEST(what_does_not_fit_into_a_batch_is_told_by_the_next_poll)
{
    static int fds[EVENTS];
    int told = 0;

    for (int i = 0; i < EVENTS; i++)
        fds[i] = open_stream(&wire, UINT64_C(9007199254740000) + (uint64_t)i, ",'interests':['readable','writable']");
    for (int i = 0; i < EVENTS; i++)
        write_byte(fds[i]);
    for (int count = 1; count;) {
        wire_send(&wire, "[{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"poll\",\"params\":[0]}");
        for (int i = 1; i < 64; i++)
            wire_send(&wire, ",{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\"}");
        wire_send(&wire, "]");
        ck_assert(wire_read(&wire));
        count = cJSON_GetArraySize(member(wire.message->child, "result.events"));
        told += count;
        ck_assert_int_lt(count, EVENTS);
    }
    ck_assert_int_eq(told, EVENTS);
    for (int i = 0; i < EVENTS; i++)
        close(fds[i]);
}
END_TEST

Suite *daemon_polling_batches_suite(void)
{
    Suite *suite = suite_create("daemon_polling_batches");
    TCase *tests = tcase_create("polling in batches");

    tcase_add_checked_fixture(tests, set_up_polling, tear_down);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_batch_with_a_poll_is_answered_when_that_is);
    tcase_add_test(tests, a_loop_may_be_opened_and_polled_in_one_batch);
    tcase_add_test(tests, a_stream_may_be_registered_and_polled_in_one_batch);
    tcase_add_test(tests, a_poll_beside_a_batch_waits_for_the_array);
    tcase_add_test(tests, after_the_poll_of_a_batch_its_streams_wait_for_the_array_again);
    tcase_add_test(tests, what_does_not_fit_into_a_batch_is_told_by_the_next_poll);
    return suite;
}
