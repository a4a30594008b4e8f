/* SPDX-License-Identifier: MIT */
/* Names: servers that answer, that know nothing, and that are dead. */
#include "tests/daemon/fixture.h"
#include "tests/daemon/name_server.h"
#include "tests/daemon/passing.h"
#include "tests/library/ipv6.h"
#include "tests/skip.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *daemon_names_suite(void);

#define LOOKUPS 50

/* Registers the tokens from `first` to before `end` by names; 0: without a timeout. */
static void look_up(int first, int end, int timeout_ms)
{
    for (int i = first; i < end; i++)
        say(&wire,
            "{'jsonrpc':'2.0','id':%d,'method':'register','params':{'token':%d,'address':'host%d.example:80',"
            "'timeout_ms':%d}}",
            i, i, i, timeout_ms);
}

START_TEST(a_dead_name_server_delays_nobody_else)
{
    NEEDS_NAME_SERVER();
    int server = name_server_open();
    struct wire other;
    struct pollfd readable;

    set_up();
    readable = (struct pollfd){.fd = wire.fd, .events = POLLIN};
    wire_open(&other, minimiod.socket);
    look_up(0, LOOKUPS, 0);
    name_server_await(server);
    for (int i = 0; i < 20; i++)
        call(&other, "ping", NULL);
    /* A daemon that waited for a name would have the answer to its lookup before it answered a ping. */
    ck_assert_int_eq(poll(&readable, 1, 0), 0);
    look_up(LOOKUPS, 2 * LOOKUPS, 300);
    for (int i = 0; i < LOOKUPS; i++)
        expect(&wire, "{'error':{'data':{'name':'TIMED_OUT'}}}");
    say(&wire, "{'jsonrpc':'2.0','id':'ends','method':'close_loop'}");
    for (int i = 0; i < LOOKUPS; i++)
        expect(&wire, "{'error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect(&wire, "{'id':'ends','result':{}}");
    wire_close(&other);
    tear_down();
    name_server_close(server);
}
END_TEST

START_TEST(a_name_server_is_asked)
{
    NEEDS_NAME_SERVER();
    int server = name_server_open();

    set_up();
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'service.example.%s']}",
        strchr(port.address, ':'));
    name_server_answer(server, 2, ARGUMENTS("127.0.0.1"));
    expect(&wire, "{'id':1,'result':{'token':1,'peer':'%s'}}", port.address);
    close(port_accept(&port));
    tear_down();
    name_server_close(server);
}
END_TEST

START_TEST(a_name_without_addresses_is_told)
{
    NEEDS_NAME_SERVER();
    int server = name_server_open();
    unsigned char message[512];
    struct sockaddr_in client;
    socklen_t length = sizeof client;

    set_up();
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'nowhere.example.:80']}");
    for (int i = 0; i < 2; i++) {
        ssize_t size = recvfrom(server, message, sizeof message, 0, (struct sockaddr *)&client, &length);

        ck_assert_int_gt(size, 12);
        message[2] = 0x81;
        message[3] = 0x83; /* no such name */
        sendto(server, message, (size_t)size, 0, (struct sockaddr *)&client, length);
    }
    expect(&wire, "{'id':1,'error':{'code':8,'data':{'name':'RESOLVE_FAILED'}}}");
    ck_assert_ptr_nonnull(member(wire.message, "error.data.reason")->valuestring);
    tear_down();
    name_server_close(server);
}
END_TEST

Suite *daemon_names_suite(void)
{
    Suite *suite = suite_create("daemon_names");
    TCase *tests = tcase_create("each its own daemon");

    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_dead_name_server_delays_nobody_else);
    tcase_add_test(tests, a_name_server_is_asked);
    tcase_add_test(tests, a_name_without_addresses_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
