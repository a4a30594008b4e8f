/* SPDX-License-Identifier: MIT */
/* What comes before what where several things happen at once, and what becomes of what was under way. */
#include "tests/daemon/fixture.h"
#include "tests/library/ipv6.h"
#include "tests/skip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_order_suite(void);

#define REGISTER(id, more) "{'jsonrpc':'2.0','id':" id ",'method':'register','params':{" more "}}"
#define ROUNDS             50

static struct black_hole hole;

static void set_up_with_hole(void)
{
    set_up();
    black_hole_open(&hole);
}

static void tear_down_with_hole(void)
{
    black_hole_close(&hole);
    tear_down();
}

/* ---- Replies and events ----------------------------------------------------------------------------------------- */

#define PIPELINED 60 /* fewer than the port's queue holds */

START_TEST(the_reply_to_register_comes_before_its_events)
{
    bool registered[PIPELINED] = {false}, told[PIPELINED] = {false};

    for (int i = 0; i < PIPELINED; i++)
        say(&wire, REGISTER("%d", "'token':%d,'address':'%s','interests':['writable']"), i, i, port.address);
    for (int i = 0; i < PIPELINED; i++)
        close(port_accept(&port));
    for (int replies = 0, events = 0; replies < PIPELINED || events < PIPELINED;) {
        const cJSON *event;

        ck_assert(wire_read(&wire));
        if (cJSON_GetObjectItemCaseSensitive(wire.message, "id")) {
            registered[member(wire.message, "result.token")->valueint] = true;
            replies++;
            continue;
        }
        cJSON_ArrayForEach(event, member(wire.message, "params.events")) {
            int token = member(event, "token")->valueint;

            ck_assert_msg(registered[token] && !told[token], "an event of token %d", token);
            told[token] = true;
            events++;
        }
    }
    expect_silence(&wire);
}
END_TEST

/* The byte and the request race: the event comes before the reply or not at all. */
START_TEST(no_event_comes_after_the_reply_to_deregister)
{
    for (int i = 0; i < ROUNDS; i++) {
        int peer = open_stream(&wire, 1, "");

        write_byte(peer);
        call(&wire, "deregister", "[1]");
        if (wire.event_count)
            expect_event(&wire, 1, READY_READABLE);
        expect_silence(&wire);
        close(peer);
    }
}
END_TEST

START_TEST(after_the_reply_to_reregister_events_speak_of_the_new_registration)
{
    for (int i = 0; i < ROUNDS; i++) {
        int peer = open_stream(&wire, 1, "");

        write_byte(peer);
        call(&wire, "reregister", "{'token':1,'interests':['writable']}");
        if (wire.event_count)
            expect_event(&wire, 1, READY_READABLE);
        expect_event(&wire, 1, READY_WRITABLE);
        expect_silence(&wire);
        call(&wire, "deregister", "[1]");
        close(peer);
    }
}
END_TEST

START_TEST(a_token_taken_again_at_once_has_no_events_of_its_past)
{
    for (int i = 0; i < ROUNDS; i++) {
        int old = open_stream(&wire, 1, ",'mode':'edge'"), new;

        write_byte(old);
        say(&wire, "{'jsonrpc':'2.0','method':'deregister','params':[1]}");
        new = open_stream(&wire, 1, "");
        wire.event_count = 0; /* of the old one, before its end */
        close(old);
        expect_silence(&wire);
        write_byte(new);
        expect_event(&wire, 1, READY_READABLE);
        call(&wire, "deregister", "[1]");
        close(new);
    }
}
END_TEST

/* While a batch waits for its last reply, the events of its streams wait too and become one. */
START_TEST(readiness_that_waits_is_listed_and_merges)
{
    int peer;

    say(&wire,
        "[" REGISTER("1", "'token':1,'address':'%s','interests':['readable','writable'],'mode':'edge'") "," REGISTER(
            "2", "'token':2,'address':'%s'") "]",
        port.address, hole.port.address);
    peer = port_accept(&port);
    write_byte(peer);
    do
        call(&wire, "list", "{'limit':1}");
    while (!strstr(wire.line, "\"pending\":{\"readable\":true,\"writable\":true}"));
    close(peer);
    do
        call(&wire, "list", "{'limit':1}");
    while (!strstr(wire.line, "\"read_closed\":true"));
    say(&wire, "{'jsonrpc':'2.0','id':3,'method':'deregister','params':[2]}");
    expect(&wire, "[{'id':1,'result':{'token':1}},{'id':2,'error':{'data':{'name':'CANCELLED'}}}]");
    ck_assert(wire_read(&wire));
    if (!cJSON_GetObjectItemCaseSensitive(wire.message, "id"))
        ck_assert(wire_read(&wire));
    expect_in(wire.message, "{'id':3,'result':{}}");
    expect_event(&wire, 1, CLOSED | READY_WRITABLE);
    expect_silence(&wire);
}
END_TEST

/* ---- Batches ---------------------------------------------------------------------------------------------------- */

START_TEST(a_batch_may_undo_what_it_began)
{
    say(&wire,
        "[" REGISTER("1", "'token':1,'address':'%s'") ",{'jsonrpc':'2.0','id':2,'method':'deregister','params':[1]}]",
        hole.port.address);
    expect(&wire, "[{'id':1,'error':{'data':{'name':'CANCELLED'}}},{'id':2,'result':{}}]");
    say(&wire,
        "[" REGISTER("1", "'token':1,'address':'%s'") ",{'jsonrpc':'2.0','id':2,'method':'close_loop'}," REGISTER(
            "3", "'token':1,'address':'%s'") "]",
        hole.port.address, port.address);
    expect(&wire, "[{'id':1,'error':{'data':{'name':'LOOP_CLOSED'}}},{'id':2,'result':{}},"
                  "{'id':3,'error':{'data':{'name':'LOOP_CLOSED'}}}]");
    expect_silence(&wire);
}
END_TEST

START_TEST(a_batch_that_waits_holds_up_nothing_behind_it)
{
    say(&wire,
        "[" REGISTER("1", "'token':1,'address':'%s','timeout_ms':50") ",{'jsonrpc':'2.0','id':2,'method':'ping'}]",
        hole.port.address);
    expect_silence(&wire);
    expect(&wire, "[{'id':1,'error':{'code':10,'data':{'name':'TIMED_OUT'}}},{'id':2,'result':{}}]");
}
END_TEST

START_TEST(an_empty_batch_is_one_invalid_request)
{
    say(&wire, "[ ]");
    expect(&wire, "{'id':null,'error':{'code':-32600,'data':{'name':'INVALID_REQUEST'}}}");
    say(&wire, "[[],[1],{},'x']");
    expect(&wire, "[{'id':null,'error':{'code':-32600}},{'id':null,'error':{'code':-32600}},"
                  "{'id':null,'error':{'code':-32600}},{'id':null,'error':{'code':-32600}}]");
    expect_silence(&wire);
}
END_TEST

/* ---- What is under way ------------------------------------------------------------------------------------------ */

START_TEST(a_session_that_ends_takes_along_what_is_under_way)
{
    struct wire other;

    wire_open(&other, minimiod.socket);
    say(&other, REGISTER("1", "'token':1,'address':'%s'"), hole.port.address);
    say(&other, "[" REGISTER("2", "'token':2,'address':'%s'") "," REGISTER("3", "'token':3,'address':'%s'") "]",
        hole.port.address, port.address);
    close(port_accept(&port));
    call(&other, "ping", NULL);
    ck_assert_int_eq(counter(&wire, "registrations"), 3);
    wire_close(&other);
    while (counter(&wire, "sessions") > 1)
        ;
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    ck_assert_int_eq(counter(&wire, "loops"), 1);
}
END_TEST

START_TEST(a_half_closed_client_has_its_stream_connected_and_told)
{
    int peer;

    say(&wire, REGISTER("1", "'token':1,'address':'%s'"), port.address);
    wire_finish(&wire);
    peer = port_accept(&port);
    expect(&wire, "{'id':1,'result':{'token':1}}");
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    expect_end(&wire);
    close(peer);
}
END_TEST

START_TEST(a_half_closed_client_without_anything_to_come_ends_at_once)
{
    int peer = open_stream(&wire, 1, "");

    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE); /* and nobody is left to arm it again */
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'ping'}");
    wire_finish(&wire);
    expect_line(&wire, "{'jsonrpc':'2.0','id':1,'result':{}}");
    expect_end(&wire);
    close(peer);
}
END_TEST

/* A stream whose two directions have ended brings no further event, in whatever mode it is registered. */
static const char *const modes[] = {"oneshot", "edge"};

START_TEST(a_half_closed_client_ends_with_its_last_stream)
{
    int reset_by_peer = open_stream(&wire, 1, ""), finished;
    char more[32];

    snprintf(more, sizeof more, ",'mode':'%s'", modes[_i]);
    call(&wire, "reregister", "{'token':1,'mode':'%s'}", modes[_i]);
    finished = open_stream(&wire, 2, more);
    call(&wire, "shutdown", "[2,'write']");
    wire_finish(&wire);
    reset(reset_by_peer);
    ck_assert_uint_eq(next_event(&wire).flags & READY_ERROR, READY_ERROR);
    close(finished);
    while (wire_read(&wire))
        ;
}
END_TEST

START_TEST(the_end_tells_each_session_before_it_closes)
{
    int peer = open_stream(&wire, 1, "");

    say(&wire, REGISTER("1", "'token':2,'address':'%s'"), hole.port.address);
    expect_silence(&wire);
    ck_assert_int_eq(kill(minimiod.process.pid, SIGTERM), 0);
    expect(&wire, "{'id':1,'error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect(&wire, "{'method':'loop_closed','params':{'loop':null,'reason':'shutdown'}}");
    ck_assert_ptr_null(cJSON_GetObjectItemCaseSensitive(wire.message, "id"));
    expect_end(&wire);
    expect_eof(peer);
    close(peer);
}
END_TEST

/* ---- Addresses -------------------------------------------------------------------------------------------------- */

START_TEST(a_v6_address_is_connected_to)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t length = sizeof(address);
    struct port v6;
    int peer;

    TEST_NEEDS(has_ipv6(), IPV6);
    v6.fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(v6.fd, (struct sockaddr *)&address, length), 0);
    port_listen(&v6);
    ck_assert_int_eq(getsockname(v6.fd, (struct sockaddr *)&address, &length), 0);
    snprintf(v6.address, sizeof(v6.address), "[::1]:%u", ntohs(address.sin6_port));
    expect_in(call(&wire, "register", "{'token':1,'address':'%s'}", v6.address), "{'token':1,'peer':'%s'}", v6.address);
    ck_assert_int_eq(strncmp(member(wire.message, "result.local")->valuestring, "[::1]:", 6), 0);
    peer = port_accept(&v6);
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    close(peer);
    port_close(&v6);
}
END_TEST

START_TEST(list_tells_all_of_a_registration)
{
    const cJSON *stream;

    close(open_stream(&wire, 7, ",'interests':[],'mode':'edge'"));
    expect_event(&wire, 7, READY_READ_CLOSED);
    call(&wire, "list", NULL);
    expect_in(wire.message,
              "{'result':{'loop':null,'next':null,'registrations':[{'token':7,'state':'armed','interests':[],"
              "'mode':'edge','address':'%s','peer':'%s','pending':{}}]}}",
              port.address, port.address);
    stream = cJSON_GetArrayItem(member(wire.message, "result.registrations"), 0);
    ck_assert_int_eq(strncmp(member(stream, "local")->valuestring, "127.0.0.1:", 10), 0);
    ck_assert_int_eq(cJSON_GetArraySize(stream), 8);
}
END_TEST

Suite *daemon_order_suite(void)
{
    Suite *suite = suite_create("daemon_order");
    TCase *tests = tcase_create("order");

    tcase_add_checked_fixture(tests, set_up_with_hole, tear_down_with_hole);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, the_reply_to_register_comes_before_its_events);
    tcase_add_test(tests, no_event_comes_after_the_reply_to_deregister);
    tcase_add_test(tests, after_the_reply_to_reregister_events_speak_of_the_new_registration);
    tcase_add_test(tests, a_token_taken_again_at_once_has_no_events_of_its_past);
    tcase_add_test(tests, readiness_that_waits_is_listed_and_merges);
    tcase_add_test(tests, a_batch_may_undo_what_it_began);
    tcase_add_test(tests, a_batch_that_waits_holds_up_nothing_behind_it);
    tcase_add_test(tests, an_empty_batch_is_one_invalid_request);
    tcase_add_test(tests, a_session_that_ends_takes_along_what_is_under_way);
    tcase_add_test(tests, a_half_closed_client_has_its_stream_connected_and_told);
    tcase_add_test(tests, a_half_closed_client_without_anything_to_come_ends_at_once);
    tcase_add_loop_test(tests, a_half_closed_client_ends_with_its_last_stream, 0, LENGTH(modes));
    tcase_add_test(tests, the_end_tells_each_session_before_it_closes);
    tcase_add_test(tests, a_v6_address_is_connected_to);
    tcase_add_test(tests, list_tells_all_of_a_registration);
    return suite;
}
