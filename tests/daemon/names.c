/* SPDX-License-Identifier: MIT */
/* Names: servers that answer, that know nothing, and that are dead. */
#include "tests/daemon/fixture.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_names_suite(void);

/* A UDP port on loopback that answers nothing unless told to. */
static int open_name_server(char ret_address[32])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(ret_address, 32, "127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

START_TEST(a_dead_name_server_delays_nobody_else)
{
    char address[32];
    int server = open_name_server(address);
    struct wire other;

    set_up_with(ARGUMENTS("--dns", address));
    wire_open(&other, minimiod.socket);
    for (int i = 0; i < 100; i++)
        say(&wire,
            "{'jsonrpc':'2.0','id':%d,'method':'register','params':{'token':%d,'address':'host%d.example:80',"
            "'timeout_ms':300}}",
            i, i, i);
    say(&wire, "{'jsonrpc':'2.0','id':'kept','method':'register','params':[1000,'example:80',null,null,null,0]}");
    for (int i = 0; i < 200; i++) {
        int64_t started_ns = test_now_ns();

        call(&other, "ping", NULL);
        ck_assert_int_lt(test_now_ns() - started_ns, INT64_C(250000000));
    }
    for (int i = 0; i < 100; i++)
        expect(&wire, "{'error':{'data':{'name':'TIMED_OUT'}}}");
    say(&wire, "{'jsonrpc':'2.0','id':'ends','method':'close_loop'}");
    expect(&wire, "{'id':'kept','error':{'data':{'name':'LOOP_CLOSED'}}}");
    expect(&wire, "{'id':'ends','result':{}}");
    wire_close(&other);
    tear_down();
    close(server);
}
END_TEST

/* Answers each question for an A record with 127.0.0.1, and any other with nothing. */
static void answer_queries(int server, int count)
{
    while (count-- > 0) {
        static const unsigned char record[] = {0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
        struct pollfd readable = {.fd = server, .events = POLLIN};
        struct sockaddr_in client;
        socklen_t length = sizeof client;
        unsigned char message[600];
        ssize_t size;
        size_t end = 12;

        ck_assert_int_eq(poll(&readable, 1, PROCESS_TIMEOUT_MS), 1);
        size = recvfrom(server, message, 512, 0, (struct sockaddr *)&client, &length);
        ck_assert_int_gt(size, 16);
        while (message[end])
            end += message[end] + 1U;
        end += 5; /* the name's end, type and class */
        message[2] = 0x81;
        message[3] = 0x80;
        memset(message + 6, 0, 6);
        if (message[end - 3] == 1) {
            message[7] = 1;
            memcpy(message + end, record, sizeof record);
            end += sizeof record;
        }
        sendto(server, message, end, 0, (struct sockaddr *)&client, length);
    }
}

START_TEST(a_name_server_is_asked)
{
    char address[32];
    int server = open_name_server(address);

    set_up_with(ARGUMENTS("--dns", address));
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'service.example.%s']}",
        strchr(port.address, ':'));
    answer_queries(server, 2);
    expect(&wire, "{'id':1,'result':{'token':1,'peer':'%s'}}", port.address);
    close(port_accept(&port));
    tear_down();
    close(server);
}
END_TEST

START_TEST(a_name_without_addresses_is_told)
{
    char address[32];
    int server = open_name_server(address);
    unsigned char message[512];
    struct sockaddr_in client;
    socklen_t length = sizeof client;

    set_up_with(ARGUMENTS("--dns", address));
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
    close(server);
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
