/* SPDX-License-Identifier: MIT */
/* register with ensure: a script that says the same thing each time has a living connection under its token. */
#include "tests/daemon/crew.h"
#include "tests/daemon/passing.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_ensure_suite(void);

#define FIRST  (&crew[0])
#define SECOND (&crew[1])
#define THIRD  (&crew[2])

static const cJSON *ensure(struct wire *on, const char *more)
{
    return call(on, "register", "{'token':1,'address':'%s','ensure':true%s}", port.address, more);
}

/* The registration stays as it was. A peer's FIN and RST arrive before its close() is done, over loopback. */
static void expect_existing(struct wire *on)
{
    const cJSON *result = ensure(on, ",'interests':['writable'],'mode':'edge'");

    expect_in(result, "{'token':1,'peer':'%s','existing':true}", port.address);
    ck_assert(cJSON_IsString(member(result, "local")));
    expect_in(call(on, "list", NULL), "{'registrations':[{'interests':['readable'],'mode':'oneshot'}]}");
}

/* Connected anew, and the port's end is returned. The registration is that of the request. */
static int expect_anew(struct wire *on)
{
    const cJSON *result = ensure(on, ",'interests':['readable','writable'],'mode':'edge'");
    int peer = port_accept(&port);

    expect_in(result, "{'token':1,'peer':'%s'}", port.address);
    ck_assert_ptr_null(cJSON_GetObjectItemCaseSensitive(result, "existing"));
    expect_in(call(on, "list", NULL), "{'registrations':[{'interests':['readable','writable'],'mode':'edge'}]}");
    ck_assert_int_eq(counter(on, "registrations"), 1);
    return peer;
}

/* ---- Streams that are there -------------------------------------------------------------------------------------- */

START_TEST(the_first_ensure_connects)
{
    int peer = expect_anew(FIRST);

    expect_in(call(FIRST, "write", "[1,'x']"), "{'bytes':1}");
    expect_bytes(peer, "x");
    close(peer);
}
END_TEST

START_TEST(a_living_stream_is_the_reply)
{
    int peer = open_stream(FIRST, 1, "");

    expect_existing(FIRST);
    write_byte(peer); /* something to read */
    expect_event(FIRST, 1, READY_READABLE);
    expect_existing(FIRST);
    expect_in(call(FIRST, "list", NULL), "{'registrations':[{'state':'disarmed'}]}");
    expect_silence(FIRST);
    call(FIRST, "shutdown", "[1,'read']"); /* is no end of the connection */
    close(peer);
}
END_TEST

/* What the peer has said can still be read. */
START_TEST(an_ended_stream_lives_until_it_is_read)
{
    int peer = open_stream(FIRST, 1, "");

    put_bytes(peer, "last");
    close(peer);
    next_event(FIRST); /* of the bytes, or of both */
    expect_existing(FIRST);
    expect_in(call(FIRST, "read", "{'token':1,'max':3}"), "{'data':'las'}");
    expect_existing(FIRST);
    expect_in(call(FIRST, "read", "[1]"), "{'data':'t'}");
    close(expect_anew(FIRST));
}
END_TEST

START_TEST(a_stream_that_the_peer_closed_is_connected_anew)
{
    int peer = open_stream(FIRST, 1, ",'interests':['readable']");

    close(peer);
    expect_event(FIRST, 1, CLOSED);
    peer = expect_anew(FIRST);
    expect_event(FIRST, 1, READY_WRITABLE);
    write_byte(peer);
    expect_event(FIRST, 1, READY_READABLE | READY_WRITABLE);
    close(peer);
}
END_TEST

START_TEST(a_stream_that_was_reset_is_connected_anew)
{
    int peer = open_stream(FIRST, 1, "");

    write_byte(peer);
    expect_event(FIRST, 1, READY_READABLE);
    reset(peer);
    call(FIRST, "reregister", "[1]");
    next_event(FIRST);
    close(expect_anew(FIRST));
}
END_TEST

START_TEST(a_stream_that_was_shut_down_is_connected_anew)
{
    static const char *const how[] = {"write", "both"};
    int peer = open_stream(FIRST, 1, "");

    call(FIRST, "shutdown", "[1,'%s']", how[_i]);
    close(expect_anew(FIRST));
    expect_eof(peer);
    close(peer);
}
END_TEST

/* The old one's events are not the new one's. */
START_TEST(events_of_the_old_stream_are_not_told)
{
    int peer;

    call(FIRST, "open_loop", "{'name':'x','delivery':'poll'}");
    peer = open_stream(FIRST, 1, "");
    close(peer);
    while (cJSON_GetArraySize(member(call(FIRST, "poll", "{'timeout_ms':0}"), "events")) == 0)
        ;
    call(FIRST, "reregister", "[1]");
    ensure(FIRST, "");
    peer = port_accept(&port);
    expect_in(call(FIRST, "poll", "{'timeout_ms':0}"), "{'events':[]}");
    close(peer);
}
END_TEST

START_TEST(when_it_cannot_be_connected_anew_the_token_is_forgotten)
{
    int peer = open_stream(FIRST, 1, "");
    struct port closed = port;

    close(peer);
    expect_event(FIRST, 1, CLOSED);
    port_close(&port);
    call_fails(FIRST, "CONNECT_FAILED", "{'errno':'ECONNREFUSED'}", "register",
               "{'token':1,'address':'%s','ensure':true}", closed.address);
    expect_in(call(FIRST, "list", NULL), "{'registrations':[]}");
    ck_assert_int_eq(counter(FIRST, "registrations"), 0);
    port_open(&port);
}
END_TEST

START_TEST(without_ensure_a_token_exists)
{
    int peer = open_stream(FIRST, 1, "");

    call_fails(FIRST, "TOKEN_EXISTS", NULL, "register", "{'token':1,'address':'%s'}", port.address);
    call_fails(FIRST, "TOKEN_EXISTS", NULL, "register", "{'token':1,'address':'%s','ensure':false}", port.address);
    close(peer);
}
END_TEST

/* The text is compared, not what it means. A dead one is no better. */
START_TEST(another_address_text_is_another_stream)
{
    const char *colon = port.address + 9;
    int peer = open_stream(FIRST, 1, "");

    for (int i = 0; i < 2; i++) {
        call_fails(FIRST, "TOKEN_EXISTS", NULL, "register", "{'token':1,'address':'localhost%s','ensure':true}", colon);
        call_fails(FIRST, "TOKEN_EXISTS", NULL, "register", "{'token':1,'address':'%s0','ensure':true}", port.address);
        if (i == 0)
            close(peer);
        if (i == 0)
            expect_event(FIRST, 1, CLOSED);
    }
    expect_in(call(FIRST, "list", NULL), "{'registrations':[{'token':1}]}");
}
END_TEST

START_TEST(descriptors_are_not_ensured)
{
    int pair[2], more[2];

    make_pair(SOCK_STREAM, pair);
    make_pair(SOCK_STREAM, more);
    adopt(FIRST, 1, pair[0], "");
    call_fails(FIRST, "TOKEN_EXISTS", NULL, "register", "{'token':1,'address':'%s','ensure':true}", port.address);
    close(pair[1]);
    expect_event(FIRST, 1, CLOSED | READY_WRITE_CLOSED);
    say_with(FIRST, more[0],
             "{'jsonrpc':'2.0','id':1,'method':'register','params':{'token':1,'fd':true,'ensure':true}}");
    expect(FIRST, "{'id':1,'error':{'data':{'name':'TOKEN_EXISTS'}}}");
    expect_eof(more[1]);
    make_pair(SOCK_STREAM, pair);
    adopt(FIRST, 2, pair[0], ",'ensure':true"); /* a new token is just registered */
    close(pair[1]);
    close(more[1]);
}
END_TEST

/* ---- Connecting -------------------------------------------------------------------------------------------------- */

static struct black_hole hole;

static void say_ensure(struct wire *on, const char *id)
{
    say(on, "{'jsonrpc':'2.0','id':'%s','method':'register','params':{'token':1,'address':'%s','ensure':true}}", id,
        hole.port.address);
    expect_silence(on);
}

static void expect_outcome(struct wire *on, const char *id, const char *name)
{
    expect_in(next_reply(on), "{'id':'%s','error':{'data':{'name':'%s'}}}", id, name);
}

/* The hole takes connections: the kernel tries again within seconds. */
static void expect_connected(struct wire *on, const char *id, bool existing)
{
    const cJSON *result = member(next_reply(on), "result");

    expect_in(on->message, "{'id':'%s','result':{'token':1,'peer':'%s'}}", id, hole.port.address);
    ck_assert(!existing == !cJSON_GetObjectItemCaseSensitive(result, "existing"));
}

/* Until this session is told something. */
static void open_the_hole(const struct wire *until)
{
    struct pollfd fds[] = {{.fd = hole.port.fd, .events = POLLIN}, {.fd = until->fd, .events = POLLIN}};

    for (int i = 0; i < BLACK_HOLE_FILL; i++) {
        close(hole.fill[i]);
        hole.fill[i] = -1;
    }
    while (poll(fds, 2, PROCESS_TIMEOUT_MS) > 0 && !fds[1].revents)
        (void)port_accept(&hole.port);
}

static void set_up_connecting(void)
{
    black_hole_open(&hole);
    for (int i = 0; i < 3; i++)
        enter(&crew[i], "guest", "");
    say_ensure(FIRST, "a");
    say_ensure(SECOND, "b");
    expect_in(call(THIRD, "list", NULL), "{'registrations':[{'token':1,'state':'connecting'}]}");
}

START_TEST(one_that_connects_has_one_outcome)
{
    set_up_connecting();
    ck_assert_int_eq(counter(&wire, "registrations"), 2); /* the waiting call counts as one */
    call_fails(THIRD, "TOKEN_EXISTS", NULL, "register", "{'token':1,'address':'%s'}", hole.port.address);
    call_fails(THIRD, "TOKEN_EXISTS", NULL, "register", "{'token':1,'address':'%s0','ensure':true}", hole.port.address);
    call(THIRD, "deregister", "[1]");
    expect_outcome(FIRST, "a", "CANCELLED");
    expect_outcome(SECOND, "b", "CANCELLED");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    black_hole_close(&hole);
}
END_TEST

START_TEST(closing_ends_all_that_connects)
{
    set_up_connecting();
    call(THIRD, "close_loop", NULL);
    expect_outcome(FIRST, "a", "LOOP_CLOSED");
    expect_outcome(SECOND, "b", "LOOP_CLOSED");
    expect(FIRST, "{'method':'loop_closed','params':{'reason':'closed'}}");
    expect(SECOND, "{'method':'loop_closed','params':{'reason':'closed'}}");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    black_hole_close(&hole);
}
END_TEST

static void first_dies(void)
{
    die(FIRST);
}

static void first_leaves(void)
{
    say(FIRST, "{'jsonrpc':'2.0','id':'o','method':'open_loop'}");
    expect_outcome(FIRST, "a", "LOOP_CLOSED");
    expect_in(next_reply(FIRST), "{'id':'o','result':{'loop':null}}");
}

static void first_cancels(void)
{
    say(FIRST, "{'jsonrpc':'2.0','id':'c','method':'cancel','params':['a']}");
    expect_outcome(FIRST, "a", "CANCELLED");
    expect_in(next_reply(FIRST), "{'id':'c','result':{'cancelled':true}}");
}

static void (*const firsts[])(void) = {first_dies, first_leaves, first_cancels};

/* The next one who waits takes the connect over. */
START_TEST(the_connect_outlives_its_first_caller)
{
    set_up_connecting();
    say_ensure(THIRD, "c");
    firsts[_i]();
    expect_silence(SECOND);
    expect_silence(THIRD);
    ck_assert_int_eq(counter(&wire, "registrations"), 2);
    open_the_hole(SECOND);
    expect_connected(SECOND, "b", false);
    expect_connected(THIRD, "c", true);
    ck_assert_int_eq(counter(&wire, "registrations"), 1);
    black_hole_close(&hole);
}
END_TEST

START_TEST(a_follower_may_go_without_the_first)
{
    set_up_connecting();
    die(SECOND);
    expect_silence(FIRST);
    ck_assert_int_eq(counter(&wire, "registrations"), 1);
    say(FIRST, "{'jsonrpc':'2.0','id':'c','method':'cancel','params':['a']}");
    expect_outcome(FIRST, "a", "CANCELLED");
    expect_in(next_reply(FIRST), "{'id':'c','result':{'cancelled':true}}");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    expect_in(call(THIRD, "list", NULL), "{'registrations':[]}");
    black_hole_close(&hole);
}
END_TEST

START_TEST(the_time_of_the_first_is_that_of_all)
{
    black_hole_open(&hole);
    enter(FIRST, "guest", "");
    enter(SECOND, "guest", "");
    say(FIRST, "{'jsonrpc':'2.0','id':'a','method':'register','params':{'token':1,'address':'%s','timeout_ms':300}}",
        hole.port.address);
    expect_silence(FIRST);
    say_ensure(SECOND, "b");
    expect_outcome(FIRST, "a", "TIMED_OUT");
    expect_outcome(SECOND, "b", "TIMED_OUT");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    black_hole_close(&hole);
}
END_TEST

/* A session may ask twice, also in a batch. */
START_TEST(one_session_may_follow_itself)
{
    black_hole_open(&hole);
    enter(FIRST, "owner", "");
    say(FIRST,
        "[{'jsonrpc':'2.0','id':1,'method':'register','params':{'token':1,'address':'%s','ensure':true,"
        "'interests':['writable']}},{'jsonrpc':'2.0','id':2,'method':'register','params':{'token':1,"
        "'address':'%s','ensure':true}}]",
        hole.port.address, hole.port.address);
    expect_silence(FIRST);
    say(FIRST, "{'jsonrpc':'2.0','id':'c','method':'cancel','params':[1]}");
    expect_in(next_reply(FIRST), "{'id':'c','result':{'cancelled':true}}");
    say(FIRST, "{'jsonrpc':'2.0','id':'c','method':'cancel','params':[2]}");
    expect(FIRST, "[{'id':1,'error':{'data':{'name':'CANCELLED'}}},{'id':2,'error':{'data':{'name':'CANCELLED'}}}]");
    expect(FIRST, "{'id':'c','result':{'cancelled':true}}");
    ck_assert_int_eq(counter(&wire, "registrations"), 0);
    black_hole_close(&hole);
}
END_TEST

/* The batch that began the connect has gone, and its token tells events all the same. */
START_TEST(a_connect_out_of_a_batch_goes_on_with_its_events)
{
    black_hole_open(&hole);
    enter(&wire, "owner", "");
    for (int i = 0; i < 2; i++)
        enter(&crew[i], "guest", "");
    say(FIRST,
        "[{'jsonrpc':'2.0','id':1,'method':'register','params':{'token':1,'address':'%s','interests':"
        "['writable']}},{'jsonrpc':'2.0','id':2,'method':'ping'}]",
        hole.port.address);
    expect_silence(FIRST);
    say_ensure(SECOND, "b");
    if (_i) {
        die(FIRST);
    } else {
        say(FIRST, "{'jsonrpc':'2.0','id':'o','method':'open_loop','params':['y']}");
        expect(FIRST, "[{'id':1,'error':{'data':{'name':'LOOP_CLOSED'}}},{'id':2,'result':{}}]");
        expect(FIRST, "{'id':'o','result':{'loop':'y'}}");
    }
    open_the_hole(SECOND);
    expect_connected(SECOND, "b", false);
    expect_work(&wire, 1);
    black_hole_close(&hole);
}
END_TEST

/* ---- Limits ------------------------------------------------------------------------------------------------------ */

START_TEST(a_waiting_ensure_counts_as_a_registration)
{
    set_up_with(ARGUMENTS("--limit", "registrations=2"));
    crew_open();
    set_up_connecting();
    call_fails(THIRD, "LIMIT_EXCEEDED", "{'limit':'registrations','max':2}", "register",
               "{'token':1,'address':'%s','ensure':true}", hole.port.address);
    call(THIRD, "deregister", "[1]");
    expect_outcome(FIRST, "a", "CANCELLED");
    black_hole_close(&hole);
    close(open_stream(THIRD, 1, ""));
    close(open_stream(THIRD, 2, ""));
    expect_in(ensure(THIRD, ""), "{}"); /* a living stream needs no room, and an ended stream frees its room */
    crew_close();
    tear_down();
}
END_TEST

Suite *daemon_ensure_suite(void)
{
    Suite *suite = suite_create("daemon_ensure");
    TCase *tests = add_crew_case(suite, "ensure");

    tcase_add_test(tests, the_first_ensure_connects);
    tcase_add_test(tests, a_living_stream_is_the_reply);
    tcase_add_test(tests, an_ended_stream_lives_until_it_is_read);
    tcase_add_test(tests, a_stream_that_the_peer_closed_is_connected_anew);
    tcase_add_test(tests, a_stream_that_was_reset_is_connected_anew);
    tcase_add_loop_test(tests, a_stream_that_was_shut_down_is_connected_anew, 0, 2);
    tcase_add_test(tests, events_of_the_old_stream_are_not_told);
    tcase_add_test(tests, when_it_cannot_be_connected_anew_the_token_is_forgotten);
    tcase_add_test(tests, without_ensure_a_token_exists);
    tcase_add_test(tests, another_address_text_is_another_stream);
    tcase_add_test(tests, descriptors_are_not_ensured);
    tests = add_crew_case(suite, "connecting");
    tcase_add_test(tests, one_that_connects_has_one_outcome);
    tcase_add_test(tests, closing_ends_all_that_connects);
    tcase_add_loop_test(tests, the_connect_outlives_its_first_caller, 0, LENGTH(firsts));
    tcase_add_test(tests, a_follower_may_go_without_the_first);
    tcase_add_test(tests, the_time_of_the_first_is_that_of_all);
    tcase_add_test(tests, one_session_may_follow_itself);
    tcase_add_loop_test(tests, a_connect_out_of_a_batch_goes_on_with_its_events, 0, 2);
    tests = tcase_create("limits");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_waiting_ensure_counts_as_a_registration);
    return suite;
}
