/* SPDX-License-Identifier: MIT */
/*
 * The daemon as its operator and its other clients see it: starting and ending, limits, slow and half-closed clients,
 * name servers, running out of descriptors.
 */
#include "tests/daemon/fixture.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *daemon_service_suite(void);

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- Hello --------------------------------------------------------------------------------------------------------
 */

START_TEST(hello_tells_the_limits)
{
    expect_in(
        call(&wire, "hello", NULL),
        "{'server':'minimiod','version':'%s','protocol':1,'limits':{'message_bytes':262144,'message_depth':32,"
        "'message_values':16384,'batch':64,'id_bytes':256,'line_bytes':65536,'output_bytes':65536,"
        "'sessions':1024,'sessions_uid':256,'loops_uid':256,'descriptors_message':16,'descriptors_unclaimed':64}}",
        MINIMIO_VERSION);
    ck_assert_int_gt(member(wire.message, "result.limits.registrations")->valueint, 0);
    ck_assert_int_gt(member(wire.message, "result.limits.registrations_uid")->valueint, 0);
}
END_TEST

/* ---- Slow clients -------------------------------------------------------------------------------------------------
 */

#define HELLOS 5000

static void fill_until_blocked(struct wire *slow, int *ret_sent)
{
    struct pollfd writable = {.fd = slow->fd, .events = POLLOUT};
    struct wire other;
    int sent = 0;

    wire_open(&other, minimiod.socket);
    while (sent < HELLOS) {
        /* The other's round trip gives the daemon its turn: a socket still full after it stays so. */
        if (poll(&writable, 1, 0) == 0) {
            expect_silence(&other);
            if (poll(&writable, 1, 0) == 0)
                break;
        }
        say(slow, "{'jsonrpc':'2.0','id':%d,'method':'hello'}", sent++);
    }
    wire_close(&other);
    *ret_sent = sent;
}

START_TEST(a_client_that_does_not_read_is_left_alone)
{
    int64_t out_before, sent_out;
    struct wire slow;
    int sent;

    wire_open(&slow, minimiod.socket);
    out_before = counter(&wire, "bytes_out");
    fill_until_blocked(&slow, &sent);
    ck_assert_int_lt(sent, HELLOS);
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
    int peer, sent;

    wire_open(&slow, minimiod.socket);
    peer = open_stream(&slow, 1, ",'mode':'edge'");
    fill_until_blocked(&slow, &sent);
    for (int i = 0; i < 3; i++) {
        write_byte(peer);
        expect_silence(&wire);
    }
    close(peer);
    expect_silence(&wire);
    for (int i = 0; i < sent; i++)
        expect(&slow, "{'id':%d}", i);
    expect_event(&slow, 1, CLOSED);
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

/* ---- Name servers -------------------------------------------------------------------------------------------------
 */

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

static int64_t cpu_ticks(pid_t pid)
{
    unsigned long long user, system;
    char path[64];
    FILE *stat;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    stat = fopen(path, "r");
    ck_assert_ptr_nonnull(stat);
    ck_assert_int_eq(fscanf(stat, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system), 2);
    fclose(stat);
    return (int64_t)(user + system);
}

/* The daemon runs under a low descriptor limit, set by a shell before it. */
static void start_with_descriptors(struct minimiod *daemon, int descriptors)
{
    char command[512];

    snprintf(daemon->folder, sizeof daemon->folder, "%s/minimio-test-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(daemon->folder));
    snprintf(daemon->socket, sizeof daemon->socket, "%s/minimio.sock", daemon->folder);
    snprintf(command, sizeof command, "ulimit -n %d && exec '%s' --socket '%s'", descriptors, built_program("minimiod"),
             daemon->socket);
    process_start(&daemon->process, false, ARGUMENTS("sh", "-c", command));
    ck_assert(process_await_text(&daemon->process, &daemon->process.err, "listening on ", PROCESS_TIMEOUT_MS));
}

#define CROWD 80

START_TEST(without_descriptors_it_tells_and_does_not_spin)
{
    static struct wire crowd[CROWD];
    int64_t ticks;
    int told = 0;

    start_with_descriptors(&minimiod, 72);
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

/* ---- Starting and ending ------------------------------------------------------------------------------------------
 */

static void expect_exit(int status, const char *message, const char *const *arguments)
{
    struct process process;

    ck_assert_int_eq(process_run(&process, arguments), status);
    ck_assert_msg(strstr(process.err.text, message), "it said: %s", process.err.text);
    process_free(&process);
}

START_TEST(too_few_descriptors_are_refused)
{
    char command[512];

    snprintf(command, sizeof command, "ulimit -n 64 && exec '%s' --socket /tmp/never.sock", built_program("minimiod"));
    expect_exit(2, "too few", ARGUMENTS("sh", "-c", command));
}
END_TEST

static void end_by(int signal_number)
{
    struct wire deaf;

    set_up();
    wire_open(&deaf, minimiod.socket);
    call(&deaf, "close_loop", NULL);
    kill(minimiod.process.pid, signal_number);
    expect(&wire, "{'method':'loop_closed','params':{'loop':null,'reason':'shutdown'}}");
    expect_end(&wire);
    ck_assert_int_eq(process_wait(&minimiod.process, PROCESS_TIMEOUT_MS), 0);
    ck_assert_int_ne(access(minimiod.socket, F_OK), 0);
    process_free(&minimiod.process);
    ck_assert_int_eq(rmdir(minimiod.folder), 0);
    wire_close(&deaf);
    wire_close(&wire);
    port_close(&port);
}

START_TEST(sigterm_ends_it_in_order)
{
    end_by(SIGTERM);
}
END_TEST

START_TEST(sigint_ends_it_in_order)
{
    end_by(SIGINT);
}
END_TEST

START_TEST(the_end_waits_a_second_for_the_slow)
{
    struct wire slow;
    int64_t started_ns;
    int sent;

    set_up();
    wire_open(&slow, minimiod.socket);
    fill_until_blocked(&slow, &sent);
    started_ns = test_now_ns();
    wire_close(&wire);
    port_close(&port);
    stop_minimiod(&minimiod);
    ck_assert_int_ge(test_now_ns() - started_ns, 900000000);
    ck_assert_int_lt(test_now_ns() - started_ns, INT64_C(5000000000));
    wire_close(&slow);
}
END_TEST

START_TEST(sighup_ends_no_session)
{
    kill(minimiod.process.pid, SIGHUP);
    call(&wire, "ping", NULL);
}
END_TEST

START_TEST(a_dead_socket_is_replaced)
{
    char socket[sizeof minimiod.socket];

    start_minimiod(&minimiod, NULL);
    strcpy(socket, minimiod.socket);
    kill(minimiod.process.pid, SIGKILL);
    process_wait(&minimiod.process, PROCESS_TIMEOUT_MS);
    process_free(&minimiod.process);
    ck_assert_int_eq(access(socket, F_OK), 0);
    process_start(&minimiod.process, false, ARGUMENTS(built_program("minimiod"), "--socket", socket));
    ck_assert(process_await_text(&minimiod.process, &minimiod.process.err, "listening on ", PROCESS_TIMEOUT_MS));
    wire_open(&wire, socket);
    call(&wire, "ping", NULL);
    wire_close(&wire);
    stop_minimiod(&minimiod);
}
END_TEST

START_TEST(a_living_socket_is_refused)
{
    expect_exit(1, "another daemon answers", ARGUMENTS(built_program("minimiod"), "--socket", minimiod.socket));
    call(&wire, "ping", NULL);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/file", minimiod.folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs("kept", file);
    fclose(file);
    expect_exit(1, "no socket", ARGUMENTS(built_program("minimiod"), "--socket", path));
    ck_assert_int_eq(unlink(path), 0);
    expect_exit(1, "/nowhere/minimio.sock", ARGUMENTS(built_program("minimiod"), "--socket", "/nowhere/minimio.sock"));
}
END_TEST

START_TEST(the_socket_has_its_mode)
{
    struct stat found;

    start_minimiod(&minimiod, NULL);
    ck_assert_int_eq(stat(minimiod.socket, &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0600);
    stop_minimiod(&minimiod);
    start_minimiod(&minimiod, ARGUMENTS("--socket-mode", "0666"));
    ck_assert_int_eq(stat(minimiod.socket, &found), 0);
    ck_assert_uint_eq(found.st_mode & 0777, 0666);
    stop_minimiod(&minimiod);
}
END_TEST

static const struct {
    const char *option, *value, *message;
} bad_options[] = {
    {"--limit", "sessions", "NAME=NUMBER"},
    {"--limit", "sessions=x", "NAME=NUMBER"},
    {"--limit", "nothing=1", "no such limit"},
    {"--limit", "batch=100000", "range"},
    {"--socket-mode", "999", "octal"},
    {"--log-level", "loud", "error, warning"},
    {"--socket", "", "empty"},
    {"--unknown", "x", "--help"},
    {"extra", "x", "options only"},
};

START_TEST(a_bad_option_is_told)
{
    expect_exit(2, bad_options[_i].message,
                ARGUMENTS(built_program("minimiod"), bad_options[_i].option, bad_options[_i].value));
}
END_TEST

START_TEST(help_and_version_answer)
{
    struct process process;

    ck_assert_int_eq(process_run(&process, ARGUMENTS(built_program("minimiod"), "--help")), 0);
    ck_assert_ptr_nonnull(strstr(process.out.text, "--socket"));
    ck_assert_ptr_nonnull(strstr(process.out.text, "registrations_uid"));
    process_free(&process);
    ck_assert_int_eq(process_run(&process, ARGUMENTS(built_program("minimiod"), "--version")), 0);
    ck_assert_str_eq(process.out.text, "minimiod " MINIMIO_VERSION "\n");
    process_free(&process);
}
END_TEST

START_TEST(the_readme_is_true)
{
    static const char *const languages[] = {"python", "sh"};
    struct process process;

    ck_assert_msg(process_run(&process, ARGUMENTS("tests/clients/readme.sh", languages[_i])) == 0, "%s",
                  process.err.text);
    process_free(&process);
}
END_TEST

Suite *daemon_service_suite(void)
{
    Suite *suite = suite_create("daemon_service");
    TCase *tests = add_case(suite, "with a daemon");

    tcase_add_test(tests, hello_tells_the_limits);
    tcase_add_test(tests, a_client_that_does_not_read_is_left_alone);
    tcase_add_test(tests, a_slow_reader_loses_no_readiness);
    tcase_add_test(tests, a_half_closed_client_gets_its_replies);
    tcase_add_test(tests, a_half_closed_client_gets_its_events);
    tcase_add_test(tests, a_half_closed_client_ends_when_nothing_can_come);
    tcase_add_test(tests, what_a_gone_client_had_written_is_carried_out);
    tcase_add_test(tests, nc_is_a_client);
    tcase_add_test(tests, sighup_ends_no_session);
    tcase_add_test(tests, a_living_socket_is_refused);
    tcase_add_test(tests, what_is_no_socket_is_left_alone);
    tests = tcase_create("each its own daemon");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_dead_name_server_delays_nobody_else);
    tcase_add_test(tests, a_name_server_is_asked);
    tcase_add_test(tests, a_name_without_addresses_is_told);
    tcase_add_test(tests, a_session_too_many_is_told_and_closed);
    tcase_add_test(tests, a_registration_too_many_is_refused);
    tcase_add_test(tests, without_descriptors_it_tells_and_does_not_spin);
    tcase_add_test(tests, too_few_descriptors_are_refused);
    tcase_add_test(tests, sigterm_ends_it_in_order);
    tcase_add_test(tests, sigint_ends_it_in_order);
    tcase_add_test(tests, the_end_waits_a_second_for_the_slow);
    tcase_add_test(tests, a_dead_socket_is_replaced);
    tcase_add_test(tests, the_socket_has_its_mode);
    tcase_add_loop_test(tests, a_bad_option_is_told, 0, (int)(sizeof bad_options / sizeof bad_options[0]));
    tcase_add_test(tests, help_and_version_answer);
    tcase_add_loop_test(tests, the_readme_is_true, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
