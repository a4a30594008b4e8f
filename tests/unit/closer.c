/* SPDX-License-Identifier: MIT */
/* Closing on the side: one that does not end keeps nobody waiting, and is told. */
#include "daemon/closer.h"

#include "tests/client/network.h"
#include "tests/process.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *unit_closer_suite(void);

static struct closer closer;

static void set_up(void)
{
    closer_init(&closer);
}

/* The thread says nothing when it is done, so it is looked for. */
static void await_idle(void)
{
    int64_t deadline_ns = test_now_ns() + INT64_C(1000000) * PROCESS_TIMEOUT_MS;

    while (!closer_deinit(&closer)) {
        ck_assert_msg(test_now_ns() < deadline_ns, "the thread does not end");
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
    int fd = socket(AF_INET, SOCK_STREAM, 0);

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

START_TEST(what_is_put_in_is_closed)
{
    int ends[2];

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(pipe(ends), 0);
        closer_put(&closer, ends[1]);
        expect_closed(ends[0]);
    }
    await_idle();
}
END_TEST

START_TEST(nothing_is_waited_for_where_nothing_was_put_in)
{
    ck_assert(!closer_is_clogged(&closer));
    closer_discard(&closer, -1);
    ck_assert(closer_deinit(&closer));
}
END_TEST

START_TEST(one_that_does_not_end_is_told)
{
    int peer, ends[2];

    if (getenv("MINIMIO_VALGRIND")) {
        printf("closer: under valgrind no thread runs while another is in close()\n");
        return;
    }
    closer_put(&closer, make_lingering(&peer));
    for (int i = 0; i < CLOSER_WAITING_MAX + 1; i++) {
        ck_assert(!closer_is_clogged(&closer));
        closer_put(&closer, eventfd(0, EFD_CLOEXEC));
        if (closer_is_clogged(&closer))
            break;
    }
    ck_assert(closer_is_clogged(&closer));
    ck_assert(!closer_deinit(&closer));
    ck_assert_int_eq(pipe(ends), 0);
    closer_put(&closer, ends[1]);
    close(peer); /* with unread data in it: a reset, which ends the other's lingering */
    expect_closed(ends[0]);
    await_idle();
}
END_TEST

Suite *unit_closer_suite(void)
{
    Suite *suite = suite_create("unit_closer");
    TCase *tests = tcase_create("closer");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, what_is_put_in_is_closed);
    tcase_add_test(tests, nothing_is_waited_for_where_nothing_was_put_in);
    tcase_add_test(tests, one_that_does_not_end_is_told);
    suite_add_tcase(suite, tests);
    return suite;
}
