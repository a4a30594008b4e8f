/* SPDX-License-Identifier: MIT */
/* Clients that go on writing when the daemon has told them its last line: they get to read the line. */
#include "daemon/wire/lingering.h"
#include "tests/daemon/fixture.h"
#include "tests/daemon/passing.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *daemon_lingering_suite(void);

static const char *const foreign[][2] = {
    {"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n", "{'jsonrpc':'2.0','id':1,'method':'ping'}"},
    {"Content-Length: 40\r\n\r\n", "{'jsonrpc':'2.0','id':1,'method':'ping'}"},
    {"GET / HTTP/1.1\r\n", "Host: localhost\r\n\r\n"},
};

/* The daemon has ended its direction: all that it has to say can be read. */
static void await_last_line(struct wire *client)
{
    struct pollfd ended = {.fd = client->fd, .events = POLLRDHUP};

    ck_assert_int_eq(poll(&ended, 1, PROCESS_TIMEOUT_MS), 1);
}

/* The daemon has closed. */
static void await_close(struct wire *client)
{
    struct pollfd closed = {.fd = client->fd};

    ck_assert_int_eq(poll(&closed, 1, PROCESS_TIMEOUT_MS), 1);
    ck_assert(closed.revents & POLLHUP);
}

static bool put(struct wire *client, const char *text)
{
    return send(client->fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* Likewise a byte with a descriptor beside it. */
static bool put_with(struct wire *client, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof fd)];
    } control = {0};
    char byte = '{';
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

    control.header =
        (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    return sendmsg(client->fd, &message, MSG_NOSIGNAL) == 1;
}

static void begin(const char *header)
{
    ck_assert(put(&wire, header));
    await_last_line(&wire);
}

/* What is written then must reach the daemon, unless this machine was too busy to write it in time: then again. */
static bool must_begin_again(bool is_written, int64_t begun_ns)
{
    ck_assert(is_written || test_now_ns() - begun_ns >= LINGERING_MS * INT64_C(1000000));
    if (!is_written) {
        wire_close(&wire);
        wire_open(&wire, minimiod.socket);
    }
    return !is_written;
}

static void expect_told(struct wire *client)
{
    expect(client, "{'id':null,'error':{'data':{'name':'PARSE_ERROR','offset':0}}}");
    expect_end(client);
}

START_TEST(header_and_body_may_be_written_apart)
{
    bool is_written;
    int64_t begun_ns;

    do {
        begun_ns = test_now_ns();
        begin(foreign[_i][0]);
        is_written = true;
        for (int i = 0; i < 3; i++)
            is_written = is_written && put(&wire, foreign[_i][1]);
    } while (must_begin_again(is_written, begun_ns));
    expect_told(&wire);
}
END_TEST

START_TEST(one_that_is_read_to_its_end_counts_until_it_closes)
{
    struct wire other;

    wire_open(&other, minimiod.socket);
    call(&other, "ping", NULL);
    begin(foreign[0][0]);
    expect_told(&wire);
    wire_close(&wire);
    while (counter(&other, "sessions") > 1)
        ;
    wire_close(&other);
    wire_open(&wire, minimiod.socket);
}
END_TEST

START_TEST(one_that_never_closes_is_closed)
{
    begin(foreign[0][0]);
    expect_told(&wire);
    await_close(&wire);
    ck_assert_int_eq(send(wire.fd, "x", 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(errno, EPIPE);
}
END_TEST

START_TEST(one_that_never_stops_is_closed)
{
    static char bytes[65536];
    ssize_t sent;

    begin(foreign[0][0]);
    do
        sent = send(wire.fd, bytes, sizeof bytes, MSG_NOSIGNAL);
    while (sent > 0);
    ck_assert(errno == EPIPE || errno == ECONNRESET);
    expect_told(&wire);
}
END_TEST

START_TEST(descriptors_that_come_late_are_closed)
{
    int64_t begun_ns;
    int fds[2];

    make_pair(SOCK_STREAM, fds);
    do {
        begun_ns = test_now_ns();
        begin(foreign[0][0]);
    } while (must_begin_again(put_with(&wire, fds[0]), begun_ns));
    close(fds[0]);
    expect_eof(fds[1]);
    close(fds[1]);
    expect_told(&wire);
}
END_TEST

/* The daemon ends with it there: the fixture's tear-down requires that nothing leaks. */
START_TEST(the_end_of_the_daemon_closes_it)
{
    begin(foreign[0][0]);
    expect_told(&wire);
    kill(minimiod.process.pid, SIGTERM);
    ck_assert_int_eq(process_wait(&minimiod.process, PROCESS_TIMEOUT_MS), 0);
    await_close(&wire);
    process_free(&minimiod.process);
    start_minimiod(&minimiod, NULL);
}
END_TEST

/* ---- Refused ----------------------------------------------------------------------------------------------------- */

static void set_up_for_one(void)
{
    static const char *const arguments[] = {"--limit", "sessions=1", NULL};

    set_up_with(arguments);
}

START_TEST(one_without_a_session_is_told_why)
{
    struct wire refused;
    bool is_written;
    int64_t begun_ns;
    int fds[2];

    make_pair(SOCK_STREAM, fds);
    for (;;) {
        begun_ns = test_now_ns();
        wire_open(&refused, minimiod.socket);
        await_last_line(&refused);
        is_written = put(&refused, foreign[0][1]) && put_with(&refused, fds[0]);
        if (is_written)
            break;
        ck_assert(test_now_ns() - begun_ns >= LINGERING_MS * INT64_C(1000000));
        wire_close(&refused);
    }
    close(fds[0]);
    expect_eof(fds[1]);
    close(fds[1]);
    expect(&refused, "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'sessions'}}}");
    expect_end(&refused);
    wire_close(&refused);
}
END_TEST

/* More than are waited for: the rest is closed at once, and the daemon keeps no descriptor of any. */
START_TEST(many_without_a_session_go_away)
{
    struct wire refused[40];
    int before = current_descriptor_count();

    for (int i = 0; i < LENGTH(refused); i++)
        wire_open(&refused[i], minimiod.socket);
    for (int i = 0; i < LENGTH(refused); i++) {
        expect(&refused[i], "{'error':{'data':{'name':'LIMIT_EXCEEDED','limit':'sessions'}}}");
        expect_end(&refused[i]);
    }
    await_descriptor_count(before);
    for (int i = 0; i < LENGTH(refused); i++)
        wire_close(&refused[i]);
    call(&wire, "ping", NULL);
}
END_TEST

Suite *daemon_lingering_suite(void)
{
    Suite *suite = suite_create("daemon_lingering");
    TCase *tests = tcase_create("sessions");
    TCase *refused = tcase_create("refused");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, header_and_body_may_be_written_apart, 0, LENGTH(foreign));
    tcase_add_test(tests, one_that_is_read_to_its_end_counts_until_it_closes);
    tcase_add_test(tests, one_that_never_closes_is_closed);
    tcase_add_test(tests, one_that_never_stops_is_closed);
    tcase_add_test(tests, descriptors_that_come_late_are_closed);
    tcase_add_test(tests, the_end_of_the_daemon_closes_it);
    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(refused, set_up_for_one, tear_down);
    tcase_add_test(refused, one_without_a_session_is_told_why);
    tcase_add_test(refused, many_without_a_session_go_away);
    suite_add_tcase(suite, refused);
    return suite;
}
