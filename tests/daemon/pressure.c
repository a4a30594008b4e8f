/* SPDX-License-Identifier: MIT */
/* Too much at once, too little room, and nothing to do. */
#include "tests/daemon/fixture.h"
#include "tests/daemon/freeze.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *daemon_pressure_suite(void);

#define CROWD 110 /* more than there are descriptors */

static void wait_ms(struct wire *on, struct black_hole *hole, int duration_ms)
{
    call_fails(on, "TIMED_OUT", NULL, "register", "{'token':1000,'address':'%s','timeout_ms':%d}", hole->port.address,
               duration_ms);
}

/* Everything that may stay as it is for long: none of it takes the processor's time. */
START_TEST(waiting_costs_no_time)
{
    struct wire slow, half_closed, skipped;
    struct black_hole hole;
    int64_t ticks;
    int sent;

    black_hole_open(&hole);
    wire_open(&slow, minimiod.socket);
    wire_open(&half_closed, minimiod.socket);
    wire_open(&skipped, minimiod.socket);
    reset(open_stream(&slow, 1, ",'mode':'edge'"));
    fill_until_blocked(&slow, &sent);
    open_stream(&half_closed, 1, "");
    wire_finish(&half_closed);
    wire_send(&skipped, "}");
    expect(&skipped, "{'error':{'data':{'name':'PARSE_ERROR'}}}");
    wire_send(&skipped, "all of this is skipped");
    reset(open_stream(&wire, 1, ",'interests':[]"));
    expect_event(&wire, 1, READY_READ_CLOSED | READY_WRITE_CLOSED | READY_ERROR);
    reset(open_stream(&wire, 2, ""));
    expect_event(&wire, 2, CLOSED | READY_WRITE_CLOSED | READY_ERROR);
    reset(open_stream(&wire, 3, ",'mode':'edge'"));
    expect_event(&wire, 3, CLOSED | READY_WRITE_CLOSED | READY_ERROR);
    ticks = cpu_ticks(minimiod.process.pid);
    wait_ms(&wire, &hole, 500);
    ck_assert_int_le(cpu_ticks(minimiod.process.pid) - ticks, 5);
    wire_close(&slow);
    wire_close(&half_closed);
    wire_close(&skipped);
    black_hole_close(&hole);
}
END_TEST

#define WAITING_BATCHES 3000

/* Answers to the batch but for the last, which waits for as long as the connection does. */
static void say_batch_that_waits(struct wire *on, int token, const struct black_hole *hole)
{
    wire_send(on, "[");
    for (int i = 0; i < 10; i++)
        wire_send(on, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"},");
    say(on, "{'jsonrpc':'2.0','id':2,'method':'register','params':[%d,'%s',null,null,null,0]}]", token,
        hole->port.address);
}

/* What the daemon keeps for a session that waits with more and more batches has a bound, as all unread output has. */
START_TEST(batches_that_wait_count_as_unread_output)
{
    struct pollfd writable = {.events = POLLOUT};
    struct black_hole hole;
    struct wire waiting;
    int sent = 0;

    black_hole_open(&hole);
    wire_open(&waiting, minimiod.socket);
    writable.fd = waiting.fd;
    for (; sent < WAITING_BATCHES; sent++) {
        if (poll(&writable, 1, 0) == 0) {
            await_idle(&wire);
            if (poll(&writable, 1, 0) == 0)
                break;
        }
        say_batch_that_waits(&waiting, sent, &hole);
    }
    ck_assert_msg(sent < WAITING_BATCHES, "the daemon keeps the answers of batches without end");
    wire_close(&waiting);
    while (counter(&wire, "sessions") > 1)
        ;
    black_hole_close(&hole);
}
END_TEST

/* What ends while its client does not read is told when it does. */
START_TEST(a_slow_reader_has_its_registers_answered)
{
    struct black_hole hole;
    bool late = false;
    struct wire slow;
    int sent, replies = 0;

    black_hole_open(&hole);
    wire_open(&slow, minimiod.socket);
    say(&slow, "{'jsonrpc':'2.0','id':'late','method':'register','params':{'token':1,'address':'%s','timeout_ms':300}}",
        hole.port.address);
    fill_until_blocked(&slow, &sent);
    wait_ms(&wire, &hole, 400);
    while (replies < sent || !late) {
        ck_assert(wire_read(&slow));
        if (strstr(slow.line, "\"late\"")) {
            expect_in(slow.message, "{'error':{'data':{'name':'TIMED_OUT'}}}");
            late = true;
        } else {
            expect_in(slow.message, "{'id':%d}", replies++);
        }
    }
    expect_in(call(&slow, "list", NULL), "{'registrations':[]}");
    wire_close(&slow);
    black_hole_close(&hole);
}
END_TEST

/* A line of text that never ends takes no more than a message may. */
START_TEST(what_is_skipped_is_not_kept)
{
    static char text[1 << 16];
    struct wire other;

    memset(text, 'x', sizeof(text));
    wire_open(&other, minimiod.socket);
    for (int i = 0; i < 256; i++)
        wire_send_bytes(&wire, text, sizeof(text));
    expect(&wire, "{'error':{'data':{'name':'PARSE_ERROR','offset':0}}}");
    wire_send(&wire, "\n");
    expect_silence(&wire);
    ck_assert_int_gt(counter(&other, "bytes_in"), 256 << 16);
    wire_close(&other);
}
END_TEST

START_TEST(a_thousand_requests_at_once_are_answered_in_order)
{
    for (int i = 0; i < 1000; i++)
        say(&wire, "{'jsonrpc':'2.0','id':%d,'method':'ping'}", i);
    for (int i = 0; i < 1000; i++)
        expect_line(&wire, "{'jsonrpc':'2.0','id':%d,'result':{}}", i);
}
END_TEST

/* A flood has a small share of each turn: how much of it was done before a request that came after it, stats tells. */
START_TEST(a_request_does_not_wait_for_a_flood)
{
    static char many[1000 * 64];
    struct wire flooder;
    size_t length = 0;

    wire_open(&flooder, minimiod.socket);
    call(&flooder, "ping", NULL);
    freeze();
    for (int i = 0; i < 1000; i++)
        length += (size_t)sprintf(many + length, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}", i);
    wire_send_bytes(&flooder, many, length);
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'stats'}");
    thaw();
    expect(&wire, "{'id':1}");
    ck_assert_int_lt(member(wire.message, "result.requests")->valueint, 100);
    for (int i = 0; i < 1000; i++)
        expect_line(&flooder, "{'jsonrpc':'2.0','id':%d,'result':{}}", i);
    wire_close(&flooder);
}
END_TEST

#define NEWCOMERS 50

/* They were there before it; but one that is let in costs as much as many requests. */
START_TEST(a_request_does_not_wait_for_newcomers)
{
    static struct wire newcomers[NEWCOMERS];

    call(&wire, "ping", NULL);
    freeze();
    for (int i = 0; i < NEWCOMERS; i++)
        wire_open(&newcomers[i], minimiod.socket);
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'stats'}");
    thaw();
    expect(&wire, "{'id':1}");
    ck_assert_int_lt(member(wire.message, "result.sessions")->valueint, 10);
    for (int i = 0; i < NEWCOMERS; i++) {
        call(&newcomers[i], "ping", NULL);
        wire_close(&newcomers[i]);
    }
}
END_TEST

START_TEST(stats_has_every_count)
{
    static const char *const counts[] = {"uptime_ms", "sessions", "loops",    "registrations", "requests",
                                         "replies",   "events",   "bytes_in", "bytes_out"};
    cJSON *before = cJSON_Duplicate(call(&wire, "stats", NULL), true);
    const cJSON *after;

    call_fails(&wire, "TOKEN_UNKNOWN", NULL, "deregister", "[1]");
    wire_send(&wire, "}\n");
    expect(&wire, "{'error':{'data':{'name':'PARSE_ERROR'}}}");
    after = call(&wire, "stats", NULL);
    for (int i = 0; i < LENGTH(counts); i++)
        ck_assert_msg(member(after, counts[i])->valuedouble >= member(before, counts[i])->valuedouble, "%s", counts[i]);
    expect_in(after, "{'sessions':1,'loops':1,'registrations':0,'requests':3,'replies':3,'events':0,"
                     "'errors':{'PARSE_ERROR':1,'INVALID_REQUEST':0,'TOKEN_UNKNOWN':1,'POLL_PENDING':0}}");
    ck_assert_ptr_nonnull(member(after, "limits.sessions_uid"));
    ck_assert_double_gt(member(after, "bytes_in")->valuedouble, member(before, "bytes_in")->valuedouble);
    ck_assert_double_gt(member(after, "bytes_out")->valuedouble, member(before, "bytes_out")->valuedouble);
    cJSON_Delete(before);
}
END_TEST

START_TEST(a_users_sessions_are_limited_but_roots)
{
    struct wire second;

    set_up_with(ARGUMENTS("--limit", "sessions_uid=1"));
    call(&wire, "ping", NULL);
    wire_open(&second, minimiod.socket);
    if (geteuid() == 0) {
        call(&second, "ping", NULL);
    } else {
        expect(&second, "{'id':null,'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'sessions_uid','max':1}}}");
        expect_end(&second);
    }
    wire_close(&second);
    tear_down();
}
END_TEST

/* Sessions come until there is no descriptor left: then a stream has none either, and is told so. */
START_TEST(a_stream_without_a_descriptor_is_refused)
{
    static struct wire crowd[CROWD];

    start_with_descriptors(&minimiod, 362);
    port_open(&port);
    for (int i = 0; i < CROWD; i++)
        wire_open(&crowd[i], minimiod.socket);
    expect(&crowd[CROWD - 1], "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'descriptors'}}}");
    call_fails(&crowd[0], "LIMIT_EXCEEDED", "{'limit':'descriptors'}", "register", "[1,'%s']", port.address);
    for (int i = 1; i < CROWD; i++)
        wire_close(&crowd[i]);
    while (counter(&crowd[0], "sessions") > 1)
        ;
    close(open_stream(&crowd[0], 1, ""));
    wire_close(&crowd[0]);
    port_close(&port);
    stop_minimiod(&minimiod);
}
END_TEST

START_TEST(a_socket_path_too_long_is_refused)
{
    char path[200];
    struct process process;

    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    ck_assert_int_eq(process_run(&process, (const char *const[]){built_program("minimiod"), "--socket", path, NULL}),
                     2);
    ck_assert_ptr_nonnull(strstr(process.err.text, "too long"));
    process_free(&process);
}
END_TEST

Suite *daemon_pressure_suite(void)
{
    Suite *suite = suite_create("daemon_pressure");
    TCase *tests = add_case(suite, "pressure");

    tcase_add_test(tests, waiting_costs_no_time);
    tcase_add_test(tests, batches_that_wait_count_as_unread_output);
    tcase_add_test(tests, a_slow_reader_has_its_registers_answered);
    tcase_add_test(tests, what_is_skipped_is_not_kept);
    tcase_add_test(tests, a_thousand_requests_at_once_are_answered_in_order);
    tcase_add_test(tests, a_request_does_not_wait_for_a_flood);
    tcase_add_test(tests, a_request_does_not_wait_for_newcomers);
    tcase_add_test(tests, stats_has_every_count);
    tests = tcase_create("room");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_users_sessions_are_limited_but_roots);
    tcase_add_test(tests, a_stream_without_a_descriptor_is_refused);
    tcase_add_test(tests, a_socket_path_too_long_is_refused);
    return suite;
}
