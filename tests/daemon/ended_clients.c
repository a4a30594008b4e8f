/* SPDX-License-Identifier: MIT */
/* Clients that write no more, or are gone, while they are in a named loop: what becomes of what they had asked for. */
#include "tests/daemon/fixture.h"
#include "tests/daemon/freeze.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_ended_clients_suite(void);

#define REQUEST(id, method, params) "{'jsonrpc':'2.0','id':" id ",'method':'" method "','params':" params "}"

static struct wire other;

static void set_up_with_other(void)
{
    set_up();
    wire_open(&other, minimiod.socket);
}

static void leave(void)
{
    wire_close(&other);
    while (counter(&wire, "sessions") > 1)
        ;
}

/* ---- Half-closed ------------------------------------------------------------------------------------------------ */

START_TEST(a_half_closed_client_ends_and_its_loop_stays)
{
    char byte;
    int peer;

    call(&other, "open_loop", "['x']");
    peer = open_stream(&other, 1, "");
    wire_finish(&other);
    call_fails(&wire, "LOOP_BUSY", NULL, "open_loop", "['x']");
    write_byte(peer);
    expect_event(&other, 1, READY_READABLE);
    expect_end(&other);
    leave();
    ck_assert_int_eq(recv(peer, &byte, 1, MSG_DONTWAIT), -1);
    expect_in(call(&wire, "open_loop", "['x']"), "{'created':false,'registrations':1}");
    expect_event(&wire, 1, READY_READABLE);
    close(peer);
}
END_TEST

START_TEST(a_half_closed_client_taken_over_is_told_and_ends)
{
    int peer;

    call(&other, "open_loop", "['x']");
    peer = open_stream(&other, 1, "");
    wire_finish(&other);
    expect_in(call(&wire, "open_loop", "{'name':'x','takeover':true}"), "{'registrations':1}");
    expect(&other, "{'method':'loop_detached'}");
    expect_end(&other);
    leave();
    close(peer);
}
END_TEST

START_TEST(a_half_closed_client_has_its_poll_answered)
{
    int peer;

    call(&other, "open_loop", "['x','poll']");
    peer = open_stream(&other, 1, ",'mode':'edge'");
    say(&other, REQUEST("1", "poll", "{}"));
    wire_finish(&other);
    call_fails(&wire, "LOOP_BUSY", NULL, "open_loop", "['x']");
    write_byte(peer);
    expect(&other, "{'id':1,'result':{'events':[{'token':1,'readable':true}]}}");
    expect_end(&other);
    leave();
    expect_in(call(&wire, "open_loop", "['x']"), "{'delivery':'poll','registrations':1}");
    expect_in(call(&wire, "poll", NULL), "{'events':[{'token':1,'readable':true}]}");
    close(peer);
}
END_TEST

/* Nobody is left to ask, so an edge stream cannot bring an event. */
START_TEST(a_half_closed_client_in_a_poll_loop_ends_when_no_poll_waits)
{
    int peer;

    call(&other, "open_loop", "['x','poll']");
    peer = open_stream(&other, 1, ",'mode':'edge'");
    say(&other, REQUEST("1", "poll", "[20]"));
    wire_finish(&other);
    expect(&other, "{'id':1,'result':{'events':[]}}");
    expect_end(&other);
    leave();
    close(peer);
}
END_TEST

/* ---- The requests of the dead ----------------------------------------------------------------------------------- */

START_TEST(what_a_dead_client_had_asked_for_is_done_first)
{
    struct wire next;
    int kept, closed;

    call(&other, "open_loop", "['x']");
    kept = open_stream(&other, 1, "");
    closed = open_stream(&other, 2, "");
    freeze();
    say(&other, REQUEST("1", "deregister", "[2]"));
    say(&other, REQUEST("1", "reregister", "[1,['writable'],'edge']"));
    say(&other, REQUEST("1", "register", "[3,'%s']"), port.address);
    wire_send(&other, "{\"jsonrpc\":\"2.0\",\"method\":\"dereg");
    wire_close(&other);
    wire_open(&next, minimiod.socket);
    say(&next, REQUEST("1", "open_loop", "['x']"));
    thaw();
    expect(&next, "{'id':1,'result':{'created':false,'registrations':1}}");
    expect_event(&next, 1, READY_WRITABLE);
    expect_eof(closed);
    expect_in(call(&next, "list", NULL), "{'registrations':[{'token':1,'interests':['writable'],'mode':'edge'}]}");
    wire_close(&next);
    close(kept);
    close(closed);
}
END_TEST

#define HELLOS 1500

/* More than is read at once, and more in reply than is kept for a client. */
START_TEST(all_that_a_dead_client_had_asked_for_is_done_first)
{
    static const char hello[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\"}";
    static char text[HELLOS * sizeof hello];
    struct wire next;
    size_t length = 0;
    int peer;

    call(&other, "open_loop", "['x']");
    peer = open_stream(&other, 1, "");
    freeze();
    for (int i = 0; i < HELLOS; i++, length += sizeof hello - 1)
        memcpy(text + length, hello, sizeof hello - 1);
    wire_send_bytes(&other, text, length);
    say(&other, REQUEST("1", "deregister", "[1]"));
    wire_close(&other);
    wire_open(&next, minimiod.socket);
    say(&next, REQUEST("1", "open_loop", "['x']"));
    thaw();
    expect(&next, "{'id':1,'result':{'created':false,'registrations':0}}");
    expect_eof(peer);
    wire_close(&next);
    close(peer);
}
END_TEST

/* A batch waits for ever, and its answers are more than is kept for a client. */
START_TEST(the_dead_wait_for_no_batch)
{
    struct wire next;
    int peer;

    set_up_with(ARGUMENTS("--limit", "output_bytes=4096"));
    wire_open(&other, minimiod.socket);
    call(&other, "open_loop", "{'name':'x','delivery':'poll'}");
    peer = open_stream(&other, 1, "");
    wire_send(&other, "[");
    for (int i = 0; i < 10; i++)
        say(&other, REQUEST("1", "hello", "{}") ",");
    say(&other, REQUEST("2", "poll", "{}") "]");
    say(&other, REQUEST("3", "deregister", "[1]"));
    wire_close(&other);
    wire_open(&next, minimiod.socket);
    expect_in(call(&next, "open_loop", "['x']"), "{'created':false,'registrations':0}");
    expect_eof(peer);
    wire_close(&next);
    close(peer);
    tear_down();
}
END_TEST

#define DEAD 20

/* Each dead one asks for the loop of the next, the last for that of the first. */
static void die_in_a_ring(int count, const char *takeover)
{
    struct wire dead[DEAD];

    for (int i = 0; i < count; i++) {
        wire_open(&dead[i], minimiod.socket);
        call(&dead[i], "open_loop", "['loop-%d']", i);
    }
    freeze();
    for (int i = 0; i < count; i++) {
        say(&dead[i], REQUEST("1", "open_loop", "{'name':'loop-%d','takeover':%s}"), (i + 1) % count, takeover);
        say(&dead[i], REQUEST("2", "ping", "{}"));
        wire_close(&dead[i]);
    }
    thaw();
    while (counter(&wire, "sessions") > 2)
        ;
    for (int i = 0; i < count; i++)
        expect_in(call(&wire, "open_loop", "['loop-%d']", i), "{'created':false,'registrations':0}");
    call(&wire, "open_loop", NULL);
}

START_TEST(the_dead_may_ask_for_each_others_loops)
{
    die_in_a_ring(_i, "false");
    die_in_a_ring(_i, "true");
}
END_TEST

Suite *daemon_ended_clients_suite(void)
{
    Suite *suite = suite_create("daemon_ended_clients");
    TCase *tests = tcase_create("ended clients");

    tcase_add_checked_fixture(tests, set_up_with_other, tear_down);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_half_closed_client_ends_and_its_loop_stays);
    tcase_add_test(tests, a_half_closed_client_taken_over_is_told_and_ends);
    tcase_add_test(tests, a_half_closed_client_has_its_poll_answered);
    tcase_add_test(tests, a_half_closed_client_in_a_poll_loop_ends_when_no_poll_waits);
    tcase_add_test(tests, what_a_dead_client_had_asked_for_is_done_first);
    tcase_add_test(tests, all_that_a_dead_client_had_asked_for_is_done_first);
    tcase_add_loop_test(tests, the_dead_may_ask_for_each_others_loops, 2, 4);
    tcase_add_loop_test(tests, the_dead_may_ask_for_each_others_loops, DEAD, DEAD + 1);
    tests = tcase_create("its own daemon");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_dead_wait_for_no_batch);
    suite_add_tcase(suite, tests);
    return suite;
}
