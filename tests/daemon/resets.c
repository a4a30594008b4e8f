/* SPDX-License-Identifier: MIT */
/* A peer that resets its stream, in every state that the stream can be in: it is told, and nobody else notices. */
#include "tests/daemon/fixture.h"
#include "tests/daemon/freeze.h"
#include "tests/daemon/name_server.h"
#include "tests/daemon/passing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_resets_suite(void);

#define RESET (CLOSED | READY_WRITE_CLOSED | READY_ERROR)

static struct wire other; /* who is to be served all the time */
static int other_peer, name_server;

static void set_up_other(void)
{
    name_server = name_server_open();
    set_up();
    wire_open(&other, minimiod.socket);
    other_peer = open_stream(&other, 1, "");
}

static void expect_served(void)
{
    write_byte(other_peer);
    expect_event(&other, 1, READY_READABLE);
    expect_in(call(&other, "read", "[1]"), "{'data':'x'}");
    call(&other, "reregister", "[1]");
}

/* And nothing of the stream that was reset has stayed behind. */
static void tear_down_other(void)
{
    expect_served();
    wire_close(&wire);
    while (counter(&other, "sessions") > 1)
        ;
    ck_assert_int_eq(counter(&other, "registrations"), 1);
    wire_open(&wire, minimiod.socket);
    wire_close(&other);
    close(other_peer);
    name_server_close(name_server);
    tear_down();
}

/* ---- Before it is registered ------------------------------------------------------------------------------------- */

START_TEST(while_it_connects)
{
    struct black_hole hole;

    black_hole_open(&hole);
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'%s']}", hole.port.address);
    expect_in(call(&wire, "list", NULL), "{'registrations':[{'token':1,'state':'connecting'}]}");
    expect_served();
    black_hole_close(&hole); /* its next SYN is answered by a reset */
    expect(&wire, "{'id':1,'error':{'data':{'name':'CONNECT_FAILED','errno':'ECONNREFUSED'}}}");
}
END_TEST

/* The reply is held back while its client does not read. */
START_TEST(before_its_register_is_answered)
{
    NEEDS_NAME_SERVER();
    bool answered = false;
    struct wire slow;
    int sent, peer, replies = 0;

    wire_open(&slow, minimiod.socket);
    say(&slow, "{'jsonrpc':'2.0','id':'late','method':'register','params':{'token':1,'address':'late.example.%s'}}",
        strchr(port.address, ':'));
    fill_until_blocked(&slow, &sent);
    name_server_answer(name_server, 2, ARGUMENTS("127.0.0.1")); /* only now is there where to connect to */
    peer = port_accept(&port);
    expect_served(); /* by then the daemon knows that it is connected */
    reset(peer);
    expect_served();
    while (replies < sent || !answered) {
        next_reply(&slow);
        if (strstr(slow.line, "\"late\"")) {
            expect_in(slow.message, "{'result':{'token':1}}");
            answered = true;
        } else {
            expect_in(slow.message, "{'id':%d}", replies++);
        }
    }
    expect_event(&slow, 1, RESET);
    wire_close(&slow);
}
END_TEST

/* ---- While it is registered -------------------------------------------------------------------------------------- */

static const char *const modes[] = {",'mode':'oneshot'", ",'mode':'edge'"};

START_TEST(while_it_is_armed)
{
    reset(open_stream(&wire, 1, modes[_i]));
    expect_event(&wire, 1, RESET);
    call(&wire, "deregister", "[1]");
}
END_TEST

START_TEST(after_it_has_fired)
{
    int peer = open_stream(&wire, 1, "");

    write_byte(peer);
    expect_event(&wire, 1, READY_READABLE);
    reset(peer);
    expect_served();
    expect_silence(&wire);
    call(&wire, "reregister", "[1]");
    expect_event(&wire, 1, RESET);
}
END_TEST

START_TEST(while_its_client_does_not_read)
{
    struct wire slow;
    int sent, peer;

    wire_open(&slow, minimiod.socket);
    peer = open_stream(&slow, 1, modes[_i]);
    fill_until_blocked(&slow, &sent);
    reset(peer);
    expect_served();
    for (int i = 0; i < sent; i++) /* the event comes among them, or behind */
        expect_in(next_reply(&slow), "{'id':%d}", i);
    expect_event(&slow, 1, RESET);
    wire_close(&slow);
}
END_TEST

/* What came before the reset is read, then the reset is told, to each who reads on. */
START_TEST(while_it_is_read)
{
    int peer = open_stream(&wire, 1, ",'mode':'edge','interests':[]");

    freeze();
    write_byte(peer);
    reset(peer);
    for (int i = 0; i < 3; i++)
        say(&wire, "{'jsonrpc':'2.0','id':%d,'method':'read','params':[1]}", i);
    thaw();
    expect(&wire, "{'id':0,'result':{'data':'x','eof':false}}");
    for (int i = 1; i < 3; i++)
        expect(&wire, "{'id':%d,'result':{'data':'','bytes':0,'eof':true,'errno':'ECONNRESET'}}", i);
}
END_TEST

START_TEST(while_it_is_written)
{
    int peer = open_stream(&wire, 1, ",'interests':[]");

    freeze();
    reset(peer);
    for (int i = 0; i < 2; i++)
        say(&wire, "{'jsonrpc':'2.0','id':%d,'method':'write','params':[1,'x']}", i);
    thaw();
    expect(&wire, "{'id':0,'error':{'data':{'name':'IO_FAILED','errno':'ECONNRESET'}}}");
    expect(&wire, "{'id':1,'error':{'data':{'name':'IO_FAILED','errno':'EPIPE'}}}");
    /* The kernel has told the write, and would tell the read of an end alone. */
    expect_in(call(&wire, "read", "[1]"), "{'bytes':0,'eof':true,'errno':'ECONNRESET'}");
}
END_TEST

/* A look at the end takes nothing away. */
START_TEST(while_it_is_peeked_at)
{
    int peer = open_stream(&wire, 1, ",'interests':[]");

    reset(peer);
    expect_event(&wire, 1, READY_READ_CLOSED | READY_WRITE_CLOSED | READY_ERROR);
    for (int i = 0; i < 2; i++)
        expect_in(call(&wire, "read", "{'token':1,'peek':true}"), "{'bytes':0,'eof':true,'errno':'ECONNRESET'}");
    expect_in(call(&wire, "read", "[1]"), "{'bytes':0,'eof':true,'errno':'ECONNRESET'}");
}
END_TEST

/* A Unix peer that closes with bytes unread resets too; a socket that was never connected has not ended. */
START_TEST(of_another_family_or_never_connected)
{
    int fds[2], lone = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    make_pair(SOCK_STREAM, fds);
    adopt(&wire, 1, fds[0], ",'interests':[]");
    call(&wire, "write", "[1,'unread']");
    put_bytes(fds[1], "last");
    close(fds[1]);
    expect_event(&wire, 1, READY_READ_CLOSED | READY_WRITE_CLOSED | READY_ERROR);
    expect_in(call(&wire, "read", "[1]"), "{'data':'last','eof':false}");
    expect_in(call(&wire, "read", "[1]"), "{'bytes':0,'eof':true,'errno':'ECONNRESET'}");
    adopt(&wire, 2, lone, ",'interests':[]");
    call_fails(&wire, "IO_FAILED", "{'errno':'ENOTCONN'}", "read", "[2]");
}
END_TEST

/* ---- While it changes hands -------------------------------------------------------------------------------------- */

START_TEST(while_nobody_is_in_its_loop)
{
    struct wire first;
    int peer;

    wire_open(&first, minimiod.socket);
    call(&first, "open_loop", "['left']");
    peer = open_stream(&first, 1, modes[_i]);
    wire_close(&first);
    while (counter(&wire, "sessions") > 2)
        ;
    reset(peer);
    expect_served();
    expect_in(call(&wire, "open_loop", "['left']"), "{'created':false,'registrations':1}");
    expect_event(&wire, 1, RESET);
    call(&wire, "close_loop", NULL);
}
END_TEST

START_TEST(while_its_loop_is_taken_over)
{
    struct wire first;
    int peer;

    wire_open(&first, minimiod.socket);
    call(&first, "open_loop", "['taken']");
    peer = open_stream(&first, 1, modes[_i]);
    freeze();
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'open_loop','params':['taken',null,true]}");
    reset(peer);
    thaw();
    expect(&wire, "{'id':1,'result':{'created':false,'registrations':1}}");
    expect_event(&wire, 1, RESET);
    expect(&first, "{'method':'loop_detached'}");
    call(&wire, "close_loop", NULL);
    wire_close(&first);
}
END_TEST

START_TEST(while_it_is_taken)
{
    int peer = open_stream(&wire, 1, modes[_i]), fds[PASSED_MAX];
    char byte;

    freeze();
    reset(peer);
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'take','params':[1]}");
    thaw();
    ck_assert_uint_eq(read_line_with(&wire, fds), 1);
    expect_in(wire.message, "{'id':1,'result':{'token':1,'fd':true}}");
    ck_assert_int_eq(recv(fds[0], &byte, 1, 0), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    close(fds[0]);
    expect_silence(&wire);
}
END_TEST

START_TEST(while_it_is_deregistered)
{
    int peer = open_stream(&wire, 1, modes[_i]);

    freeze();
    reset(peer);
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'deregister','params':[1]}");
    thaw();
    expect(&wire, "{'id':1,'result':{}}");
    expect_silence(&wire);
}
END_TEST

Suite *daemon_resets_suite(void)
{
    Suite *suite = suite_create("daemon_resets");
    TCase *tests = tcase_create("resets");

    tcase_add_checked_fixture(tests, set_up_other, tear_down_other);
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, while_it_connects);
    tcase_add_test(tests, before_its_register_is_answered);
    tcase_add_loop_test(tests, while_it_is_armed, 0, LENGTH(modes));
    tcase_add_test(tests, after_it_has_fired);
    tcase_add_loop_test(tests, while_its_client_does_not_read, 0, LENGTH(modes));
    tcase_add_test(tests, while_it_is_read);
    tcase_add_test(tests, while_it_is_written);
    tcase_add_test(tests, while_it_is_peeked_at);
    tcase_add_test(tests, of_another_family_or_never_connected);
    tcase_add_loop_test(tests, while_nobody_is_in_its_loop, 0, LENGTH(modes));
    tcase_add_loop_test(tests, while_its_loop_is_taken_over, 0, LENGTH(modes));
    tcase_add_loop_test(tests, while_it_is_taken, 0, LENGTH(modes));
    tcase_add_loop_test(tests, while_it_is_deregistered, 0, LENGTH(modes));
    return suite;
}
