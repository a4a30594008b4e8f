/* SPDX-License-Identifier: MIT */
/*
 * The daemon as all of its clients together see it: limits, slow and half-closed clients, running out of descriptors.
 */
#include "tests/daemon/fixture.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *daemon_service_suite(void);

/* ---- Hello --------------------------------------------------------------------------------------------------------
 */

START_TEST(hello_tells_the_limits)
{
    expect_in(call(&wire, "hello", NULL),
              "{'server':'minimiod','version':'%s','protocol':1,'limits':{'message_bytes':262144,'message_depth':32,"
              "'message_values':16384,'batch':64,'id_bytes':256,'line_bytes':65536,'output_bytes':65536,"
              "'sessions':1024,'sessions_uid':256,'loops_uid':256,'descriptors_message':16,'descriptors_unclaimed':64,'"
              "linger_ms':86400000}}",
              MINIMIO_VERSION);
    ck_assert_int_gt(member(wire.message, "result.limits.registrations")->valueint, 0);
    ck_assert_int_gt(member(wire.message, "result.limits.registrations_uid")->valueint, 0);
    ck_assert_int_gt(member(wire.message, "result.limits.descriptors_uid")->valueint, 0);
    ck_assert_int_gt(member(wire.message, "result.limits.descriptors_unread")->valueint, 0);
    ck_assert_int_gt(member(wire.message, "result.limits.descriptors_unread_uid")->valueint, 0);
}
END_TEST

/* ---- Turns ------------------------------------------------------------------------------------------------------- */

/* The counts of `turn_us`; `*ret_members`: how many members it has beside them. */
static int64_t turns_counted(const cJSON *turn_us, int *ret_members)
{
    const cJSON *count;
    int64_t sum = 0;

    *ret_members = 0;
    cJSON_ArrayForEach(count, turn_us) {
        if (!strncmp(count->string, "below_", strlen("below_")) || !strcmp(count->string, "above"))
            sum += (int64_t)count->valuedouble;
        else
            (*ret_members)++;
    }
    return sum;
}

/* A request after the reply to the request before is served by a turn of its own. */
START_TEST(every_turn_is_counted_once)
{
    int64_t before = counter(&wire, "turns"), after;
    int others;

    for (int i = 0; i < 10; i++)
        call(&wire, "ping", NULL);
    call(&wire, "stats", NULL);
    after = (int64_t)member(wire.message, "result.turns")->valuedouble;
    ck_assert_int_ge(after, before + 11);
    ck_assert_int_eq(turns_counted(member(wire.message, "result.turn_us"), &others), after);
    ck_assert_int_eq(others, 2);
    ck_assert_int_ge(member(wire.message, "result.turn_us.sum")->valueint,
                     member(wire.message, "result.turn_us.longest")->valueint);
    ck_assert_int_gt(member(wire.message, "result.turn_us.longest")->valueint, 0);
}
END_TEST

/* ---- Slow clients -------------------------------------------------------------------------------------------------
 */

START_TEST(a_client_that_does_not_read_is_left_alone)
{
    int64_t out_before, sent_out;
    struct wire slow;
    int sent;

    wire_open(&slow, minimiod.socket);
    out_before = counter(&wire, "bytes_out");
    fill_until_blocked(&slow, &sent);
    sent_out = counter(&wire, "bytes_out") - out_before;
    ck_assert_int_lt(sent_out, 4 << 20);
    for (int i = 0; i < sent; i++)
        expect(&slow, "{'id':%d,'result':{'server':'minimiod'}}", i);
    expect_silence(&slow);
    wire_close(&slow);
}
END_TEST

/* Readiness waits for a slow reader, merged, and none of it is lost. */
START_TEST(a_slow_reader_loses_no_readiness)
{
    struct wire slow;
    int peer, sent, replies = 0, told = 0;

    wire_open(&slow, minimiod.socket);
    peer = open_stream(&slow, 1, ",'mode':'edge'");
    fill_until_blocked(&slow, &sent);
    for (int i = 0; i < 3; i++) {
        write_byte(peer);
        expect_silence(&wire);
    }
    close(peer);
    expect_silence(&wire);
    while (replies < sent || !told) {
        ck_assert(wire_read(&slow));
        if (cJSON_GetObjectItemCaseSensitive(slow.message, "id"))
            expect_in(slow.message, "{'id':%d}", replies++);
        else
            expect_in(slow.message, "{'params':{'events':[{'token':%d,'readable':true,'read_closed':true}]}}", ++told);
    }
    ck_assert_int_eq(told, 1);
    expect_silence(&slow);
    wire_close(&slow);
}
END_TEST

/* ---- Half-close ---------------------------------------------------------------------------------------------------
 */

START_TEST(a_half_closed_client_gets_its_replies)
{
    struct black_hole hole;

    black_hole_open(&hole);
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'%s',null,null,null,100]}", hole.port.address);
    say(&wire, "{'jsonrpc':'2.0','id':2,'method':'ping'}");
    wire_finish(&wire);
    expect(&wire, "{'id':2}");
    expect(&wire, "{'id':1,'error':{'data':{'name':'TIMED_OUT'}}}");
    expect_end(&wire);
    black_hole_close(&hole);
}
END_TEST

START_TEST(a_half_closed_client_gets_its_events)
{
    int edge = open_stream(&wire, 1, ",'mode':'edge'");
    int oneshot = open_stream(&wire, 2, "");

    wire_finish(&wire);
    write_byte(edge);
    expect_event(&wire, 1, READY_READABLE);
    write_byte(oneshot);
    expect_event(&wire, 2, READY_READABLE);
    write_byte(edge);
    expect_event(&wire, 1, READY_READABLE);
    close(edge);
    close(oneshot);
}
END_TEST

/* A fired oneshot can bring nothing more to one who cannot arm it again. */
START_TEST(a_half_closed_client_ends_when_nothing_can_come)
{
    int peer = open_stream(&wire, 1, "");

    wire_finish(&wire);
    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    expect_end(&wire);
    close(peer);
}
END_TEST

START_TEST(what_a_gone_client_had_written_is_carried_out)
{
    int64_t requests = counter(&wire, "requests");
    struct wire gone;

    wire_open(&gone, minimiod.socket);
    for (int i = 0; i < 100; i++)
        say(&gone, "{'jsonrpc':'2.0','method':'ping'}");
    wire_close(&gone);
    while (counter(&wire, "sessions") > 1)
        requests++;
    ck_assert_int_eq(counter(&wire, "requests"), requests + 102);
}
END_TEST

START_TEST(nc_is_a_client)
{
    char command[512];
    struct process nc;

    snprintf(command, sizeof command, "printf '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}' | nc -N -U %s",
             minimiod.socket);
    ck_assert_int_eq(process_run(&nc, ARGUMENTS("sh", "-c", command)), 0);
    ck_assert_str_eq(nc.out.text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
    process_free(&nc);
}
END_TEST

/* ---- Limits -------------------------------------------------------------------------------------------------------
 */

START_TEST(a_session_too_many_is_told_and_closed)
{
    struct wire second, third;

    set_up_with(ARGUMENTS("--limit", "sessions=2"));
    wire_open(&second, minimiod.socket);
    call(&second, "ping", NULL);
    wire_open(&third, minimiod.socket);
    expect(&third, "{'id':null,'error':{'code':13,'data':{'name':'LIMIT_EXCEEDED','limit':'sessions','max':2}}}");
    expect_end(&third);
    wire_close(&third);
    wire_close(&second);
    while (counter(&wire, "sessions") > 1)
        ;
    wire_open(&second, minimiod.socket);
    call(&second, "ping", NULL);
    wire_close(&second);
    tear_down();
}
END_TEST

START_TEST(a_registration_too_many_is_refused)
{
    set_up_with(ARGUMENTS("--limit", "registrations=1,batch=2"));
    close(open_stream(&wire, 1, ""));
    call_fails(&wire, "LIMIT_EXCEEDED", "{'limit':'registrations','max':1}", "register", "[2,'%s']", port.address);
    call(&wire, "deregister", "[1]");
    close(open_stream(&wire, 2, ""));
    tear_down();
}
END_TEST

#define CROWD 110 /* more than there are descriptors */

START_TEST(without_descriptors_it_tells_and_does_not_spin)
{
    static struct wire crowd[CROWD];
    int64_t ticks;
    int told = 0;

    start_with_descriptors(&minimiod, 362);
    for (int i = 0; i < CROWD; i++)
        wire_open(&crowd[i], minimiod.socket);
    /* The last one to come is the last one to be told. */
    expect(&crowd[CROWD - 1], "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors'}}}");
    ticks = cpu_ticks(minimiod.process.pid);
    for (int64_t end = test_now_ns() + 500000000; test_now_ns() < end;)
        poll(NULL, 0, 100);
    ck_assert_int_le(cpu_ticks(minimiod.process.pid) - ticks, 10);
    call(&crowd[0], "ping", NULL);
    for (int i = 1; i < CROWD - 1; i++) {
        struct pollfd readable = {.fd = crowd[i].fd, .events = POLLIN};

        told += poll(&readable, 1, 0);
    }
    ck_assert_int_gt(told, 0);
    for (int i = 1; i < CROWD; i++)
        wire_close(&crowd[i]);
    while (counter(&crowd[0], "sessions") > 1)
        ;
    wire_open(&crowd[1], minimiod.socket);
    call(&crowd[1], "ping", NULL);
    wire_close(&crowd[1]);
    wire_close(&crowd[0]);
    stop_minimiod(&minimiod);
}
END_TEST

Suite *daemon_service_suite(void)
{
    Suite *suite = suite_create("daemon_service");
    TCase *tests = add_case(suite, "with a daemon");

    tcase_add_test(tests, hello_tells_the_limits);
    tcase_add_test(tests, every_turn_is_counted_once);
    tcase_add_test(tests, a_client_that_does_not_read_is_left_alone);
    tcase_add_test(tests, a_slow_reader_loses_no_readiness);
    tcase_add_test(tests, a_half_closed_client_gets_its_replies);
    tcase_add_test(tests, a_half_closed_client_gets_its_events);
    tcase_add_test(tests, a_half_closed_client_ends_when_nothing_can_come);
    tcase_add_test(tests, what_a_gone_client_had_written_is_carried_out);
    tcase_add_test(tests, nc_is_a_client);
    tests = tcase_create("each its own daemon");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_session_too_many_is_told_and_closed);
    tcase_add_test(tests, a_registration_too_many_is_refused);
    tcase_add_test(tests, without_descriptors_it_tells_and_does_not_spin);
    suite_add_tcase(suite, tests);
    return suite;
}
