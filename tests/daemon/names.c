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
    char address[32];
    int server = name_server_open(address);
    struct wire other;
    struct pollfd readable;

    set_up_with(ARGUMENTS("--dns", address));
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
    close(server);
}
END_TEST

START_TEST(a_name_server_is_asked)
{
    char address[32];
    int server = name_server_open(address);

    set_up_with(ARGUMENTS("--dns", address));
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'service.example.%s']}",
        strchr(port.address, ':'));
    name_server_answer(server, 2, ARGUMENTS("127.0.0.1"));
    expect(&wire, "{'id':1,'result':{'token':1,'peer':'%s'}}", port.address);
    close(port_accept(&port));
    tear_down();
    close(server);
}
END_TEST

START_TEST(a_name_without_addresses_is_told)
{
    char address[32];
    int server = name_server_open(address);
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

#define RESOLUTION_DELAY_NS INT64_C(50000000)

static void take_both(int server, struct question *ret_v4, struct question *ret_v6)
{
    struct question question;

    for (int i = 0; i < 2; i++) {
        name_server_take(server, &question);
        *(question.is_v6 ? ret_v6 : ret_v4) = question;
    }
}

START_TEST(ipv4_waits_a_moment_for_ipv6_and_no_longer)
{
    char address[32];
    int server = name_server_open(address);
    struct question v4 = {0}, v6 = {0};
    int64_t answered_ns;

    set_up_with(ARGUMENTS("--dns", address));
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'slow.example.%s']}",
        strchr(port.address, ':'));
    take_both(server, &v4, &v6);
    answered_ns = test_now_ns();
    name_server_reply(server, &v4, ARGUMENTS("127.0.0.1"));
    expect(&wire, "{'id':1,'result':{'token':1,'peer':'%s'}}", port.address);
    ck_assert_int_ge(test_now_ns() - answered_ns, RESOLUTION_DELAY_NS);
    close(port_accept(&port));
    tear_down();
    close(server);
}
END_TEST

/* An address of the other family that comes while the first one is being tried has its turn. */
START_TEST(ipv6_that_comes_late_is_tried_too)
{
    struct sockaddr_in6 listening = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    char address[32];
    int server = name_server_open(address), listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct question v4 = {0}, v6 = {0};
    struct black_hole hole;
    const char *number;
    int before;

    TEST_NEEDS(has_ipv6(), IPV6);
    black_hole_open(&hole);
    for (;;) { /* until the port of the hole is free in both families */
        listening.sin6_port = htons((uint16_t)atoi(strchr(hole.port.address, ':') + 1));
        if (bind(listener, (struct sockaddr *)&listening, sizeof listening) == 0)
            break;
        ck_assert_int_eq(errno, EADDRINUSE);
        black_hole_close(&hole);
        black_hole_open(&hole);
    }
    number = strchr(hole.port.address, ':') + 1;
    ck_assert_int_eq(listen(listener, 5), 0);
    set_up_with(ARGUMENTS("--dns", address));
    say(&wire, "{'jsonrpc':'2.0','id':1,'method':'register','params':[1,'late.example:%s']}", number);
    take_both(server, &v4, &v6);
    before = current_descriptor_count();
    name_server_reply(server, &v4, ARGUMENTS("127.0.0.1"));
    while (current_descriptor_count() <= before) /* until an attempt has a socket */
        ;
    name_server_reply(server, &v6, ARGUMENTS("::1"));
    expect(&wire, "{'id':1,'result':{'token':1,'peer':'[::1]:%s'}}", number);
    tear_down();
    close(listener);
    close(server);
    black_hole_close(&hole);
}
END_TEST

/* ---- The system's files --------------------------------------------------------------------------------------- */

static void set_up_folder_for_hosts(char *ret_path, size_t size)
{
    FILE *file;

    snprintf(ret_path, size, "%s/minimio-hosts-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(ret_path));
    strcat(ret_path, "/hosts");
    file = fopen(ret_path, "we");
    ck_assert_ptr_nonnull(file);
    fclose(file);
}

/* c-ares reads $CARES_HOSTS in place of /etc/hosts, which a test cannot replace. */
START_TEST(a_hosts_file_that_became_a_pipe_is_not_waited_for)
{
    char path[160];

    set_up_folder_for_hosts(path, sizeof path);
    setenv("CARES_HOSTS", path, 1);
    set_up();
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    call_fails(&wire, "RESOLVE_FAILED", "{}", "register", "[1,'somewhere.example:80']");
    call(&wire, "ping", NULL);
    tear_down();
    unlink(path);
    *strrchr(path, '/') = '\0';
    ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

/* In a mount namespace of its own, where the file can be something else. */
START_TEST(a_pipe_in_the_place_of_a_system_file_is_told_at_the_start)
{
    static const char *const paths[] = {"/etc/hosts", "/etc/resolv.conf"};
    struct process process;
    char command[512], said[128];

    if (process_run(&process, ARGUMENTS("unshare", "--mount", "true")) != 0 || access(paths[_i], F_OK) < 0) {
        fprintf(stderr, "skipped: no mount namespace can be made here, or there is no %s\n", paths[_i]);
        process_free(&process);
        return;
    }
    process_free(&process);
    snprintf(command, sizeof command,
             "mount -t tmpfs none /mnt && mkfifo /mnt/pipe && mount --bind /mnt/pipe \"$(realpath %s)\" && "
             "exec %s --socket /mnt/minimio.sock --config /dev/null",
             paths[_i], built_program("minimiod"));
    ck_assert_int_eq(process_run(&process, ARGUMENTS("unshare", "--mount", "sh", "-c", command)), 1);
    snprintf(said, sizeof said, "minimiod: %s is a pipe: it must be a regular file\n", paths[_i]);
    ck_assert_msg(strstr(process.err.text, said), "it said: %s", process.err.text);
    process_free(&process);
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
    tcase_add_test(tests, ipv4_waits_a_moment_for_ipv6_and_no_longer);
    tcase_add_test(tests, ipv6_that_comes_late_is_tried_too);
    tcase_add_test(tests, a_hosts_file_that_became_a_pipe_is_not_waited_for);
    tcase_add_loop_test(tests, a_pipe_in_the_place_of_a_system_file_is_told_at_the_start, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
