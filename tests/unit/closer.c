/* SPDX-License-Identifier: MIT */
/* Closing on the side: one that does not end keeps nobody waiting, and is told. */
#include "daemon/base/async_close.h"

#include "daemon/base/closing.h"
#include "tests/client/network.h"
#include "tests/process.h"
#include "tests/stuck.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *unit_closer_suite(void);

static struct async_closer closer, other;

/* As a stranger's, of whom everything is closed by the closing process. */
static void set_up(void)
{
    ck_assert_int_eq(async_closers_start(), 0);
    async_closer_init(&closer, true);
    async_closer_init(&other, true);
}

static void tear_down(void)
{
    async_closers_end();
}

/* The process says nothing when it is done, so it is looked for. */
static void await_idle(void)
{
    int64_t deadline_ns = test_now_ns() + INT64_C(1000000) * PROCESS_TIMEOUT_MS;

    while (!async_closer_deinit(&closer)) {
        ck_assert_msg(test_now_ns() < deadline_ns, "it is not closed");
        poll(NULL, 0, 1);
    }
}

/* The writing end of a pipe is closed when its reading end hangs up. */
static void expect_closed(int reading_end)
{
    struct pollfd hung_up = {.fd = reading_end};

    ck_assert_int_eq(poll(&hung_up, 1, PROCESS_TIMEOUT_MS), 1);
    close(reading_end);
}

/* A socket whose close waits for its peer: it lingers, and the peer reads nothing. */
static int make_lingering(int *ret_peer)
{
    static char block[65536];
    struct linger linger = {.l_onoff = 1, .l_linger = 3600};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    struct port port;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    port_open(&port);
    ck_assert_int_eq(getsockname(port.fd, (struct sockaddr *)&address, &length), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, length), 0);
    *ret_peer = port_accept(&port);
    port_close(&port);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    while (send(fd, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        ;
    return fd;
}

/* Beside a byte; closes it here. */
static void send_descriptor(int socket, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec piece = {.iov_base = (char[]){'x'}, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};

    control.header =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    ck_assert_int_eq(sendmsg(socket, &message, 0), 1);
    close(fd);
}

static void await_begun(void)
{
    int64_t deadline_ns = test_now_ns() + INT64_C(1000000) * PROCESS_TIMEOUT_MS;

    while (closing_progress(closer.slot).begun != closer.put) {
        ck_assert_msg(test_now_ns() < deadline_ns, "nothing is closed");
        poll(NULL, 0, 1);
    }
}

START_TEST(what_is_put_in_is_closed)
{
    int ends[2];

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        async_close(&closer, ends[1]);
        expect_closed(ends[0]);
    }
    await_idle();
}
END_TEST

START_TEST(nothing_is_waited_for_where_nothing_was_put_in)
{
    ck_assert(!async_closer_is_full(&closer));
    close_untrusted(&closer, -1);
    close_untrusted(&closer, FD_REFUSED);
    ck_assert(async_closer_deinit(&closer));
}
END_TEST

/* It holds up those behind it and nobody else; and it is told. */
START_TEST(one_that_does_not_end_is_told)
{
    pid_t holder;
    int stuck = stuck_open(&holder), ends[2], others[2];

    if (stuck < 0)
        return;
    async_close(&closer, stuck);
    for (int i = 0; i < ASYNC_CLOSER_MAX - 1; i++) {
        ck_assert(!async_closer_is_full(&closer));
        async_close(&closer, eventfd(0, EFD_CLOEXEC));
    }
    ck_assert(async_closer_is_full(&closer));
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(others, O_CLOEXEC), 0);
    async_close(&closer, ends[1]);
    async_close(&other, others[1]);
    expect_closed(others[0]);
    ck_assert(!async_closer_deinit(&closer));
    stuck_end(holder);
    expect_closed(ends[0]);
    await_idle();
}
END_TEST

/* A socket's queue may hold what lingers; its own end is closed after it was read. */
START_TEST(a_session_is_read_before_it_is_closed)
{
    int pair[2], peer;
    char byte;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    send_descriptor(pair[1], make_lingering(&peer));
    close_session_socket(&closer, pair[0]);
    ck_assert_int_eq(recv(pair[1], &byte, 1, 0), 0); /* an end, and no failure */
    await_idle();
    close(pair[1]);
    close(peer);
}
END_TEST

/* Another process takes its place, and goes on with what was not begun. */
START_TEST(a_process_that_is_killed_is_replaced)
{
    pid_t holder, process;
    int stuck = stuck_open(&holder), ends[2];

    if (stuck < 0)
        return;
    async_close(&closer, stuck);
    await_begun();
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    async_close(&closer, ends[1]);
    process = closing_pid();
    ck_assert_int_gt(process, 0);
    ck_assert_int_eq(kill(process, SIGKILL), 0);
    while (closing_pid() == process)
        async_closers_look();
    expect_closed(ends[0]);
    stuck_end(holder);
    await_idle();
}
END_TEST

START_TEST(one_that_lingers_holds_up_nobody)
{
    int peers[10], ends[2];

    for (int i = 0; i < 10; i++) {
        async_close(&closer, make_lingering(&peers[i]));
    }
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    async_close(&closer, ends[1]);
    expect_closed(ends[0]);
    await_idle();
    for (int i = 0; i < 10; i++)
        close(peers[i]);
}
END_TEST

Suite *unit_closer_suite(void)
{
    Suite *suite = suite_create("unit_closer");
    TCase *tests = tcase_create("closer");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_put_in_is_closed);
    tcase_add_test(tests, nothing_is_waited_for_where_nothing_was_put_in);
    tcase_add_test(tests, one_that_does_not_end_is_told);
    tcase_add_test(tests, one_that_lingers_holds_up_nobody);
    tcase_add_test(tests, a_session_is_read_before_it_is_closed);
    tcase_add_test(tests, a_process_that_is_killed_is_replaced);
    suite_add_tcase(suite, tests);
    return suite;
}
