/* SPDX-License-Identifier: MIT */
/* A stream that gets connected to itself: where nobody listens, the system may give it the port that it connects to. */
#include "tests/library/own_port.h"

#include "tests/library/ipv6.h"
#include "tests/library/lookup.h"
#include "tests/skip.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *library_own_port_suite(void);

const struct sockaddr_storage *connect_to, *connect_from;

static struct sockaddr_storage own, other; /* where nobody listens, and where somebody does */
static socklen_t length;

const struct sockaddr *connect_source(const struct sockaddr *address, socklen_t address_length)
{
    if (!connect_to || address_length > (socklen_t)sizeof(*connect_to) ||
        memcmp(address, connect_to, (size_t)address_length) != 0)
        return NULL;
    return (const struct sockaddr *)connect_from;
}

static void set_up(void)
{
    set_up_queue();
    connect_to = connect_from = &own;
}

static void choose_own(int family)
{
    close_fd(bind_on(family, &own, &length));
}

/* The server may start now: nothing of the connection is left, neither half open nor waiting for its end. */
static void require_free_port(void)
{
    minimio_fd fd = open_socket(own.ss_family, true);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, length), 0);
    close_fd(fd);
}

START_TEST(it_is_refused)
{
    int family = _i == 0 ? AF_INET : AF_INET6;
    struct minimio_tcp_stream *stream;

    TEST_NEEDS(family == AF_INET || has_ipv6(), IPV6);
    choose_own(family);
    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&own, length, &stream), 0);
    ck_assert_int_eq(minimio_registrator_register(registrator, stream, 1, MINIMIO_WRITABLE, MINIMIO_ONESHOT), 0);
    await_event();
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(minimio_tcp_stream_finish_connect(stream), -ECONNREFUSED);
    minimio_tcp_stream_free(stream);
    require_free_port();
}
END_TEST

START_TEST(a_name_that_is_nowhere_else_is_refused)
{
    struct minimio_tcp_stream *stream = NULL;
    char host_port[32];

    choose_own(AF_INET);
    snprintf(host_port, sizeof(host_port), "127.0.0.1:%d", ntohs(((struct sockaddr_in *)&own)->sin_port));
    ck_assert_int_eq(minimio_tcp_stream_connect_host(host_port, PLENTY, &stream), -ECONNREFUSED);
    ck_assert_ptr_null(stream);
    require_free_port();
}
END_TEST

static int look_up(struct addrinfo **ret_list)
{
    *ret_list = lookup_node(&own);
    (*ret_list)->ai_next = lookup_node(&other);
    return 0;
}

START_TEST(the_next_address_is_tried)
{
    minimio_fd listener = listen_on(AF_INET, &other, &length);
    struct minimio_tcp_stream *stream;
    struct sockaddr_storage peer;

    choose_own(AF_INET);
    lookup_many = look_up;
    ck_assert_int_eq(minimio_tcp_stream_connect_host("many.test:80", PLENTY, &stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_peer_addr(stream, &peer, &length), 0);
    ck_assert_mem_eq(&peer, &other, (size_t)length);
    minimio_tcp_stream_free(stream);
    close_fd(listener);
}
END_TEST

START_TEST(the_same_port_of_another_address_is_somebody_else)
{
    minimio_fd listener = listen_on(AF_INET, &other, &length);
    struct minimio_tcp_stream *stream;

    own = other;
    ((struct sockaddr_in *)&own)->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    connect_to = &other;
    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&other, length, &stream), 0);
    ck_assert_int_eq(minimio_registrator_register(registrator, stream, 1, MINIMIO_WRITABLE, MINIMIO_ONESHOT), 0);
    await_event();
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_local_addr(stream, &other, &length), 0);
    ck_assert_mem_eq(&other, &own, (size_t)length);
    minimio_tcp_stream_free(stream);
    close_fd(listener);
}
END_TEST

Suite *library_own_port_suite(void)
{
    Suite *suite = suite_create("library_own_port");
    TCase *tests = tcase_create("own port");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down_queue);
    tcase_add_loop_test(tests, it_is_refused, 0, 2);
    tcase_add_test(tests, a_name_that_is_nowhere_else_is_refused);
    tcase_add_test(tests, the_next_address_is_tried);
    tcase_add_test(tests, the_same_port_of_another_address_is_somebody_else);
    suite_add_tcase(suite, tests);
    return suite;
}
