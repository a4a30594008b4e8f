/* SPDX-License-Identifier: MIT */
/* The bounds of a stream's calls: slices, lengths, options of both families, what an output holds after a failure. */
#include "tests/library/ipv6.h"
#include "tests/library/support.h"
#include "tests/skip.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

Suite *library_stream_limits_suite(void);

#define SLICES (IOV_MAX + 5)

static struct pair pair;

static void set_up(void)
{
    set_up_queue();
    pair_open(&pair);
}

static void tear_down(void)
{
    pair_close(&pair);
    tear_down_queue();
}

/* Returns the listener. */
static minimio_fd connect_on(int family, struct minimio_tcp_stream **ret_stream)
{
    struct sockaddr_storage address;
    socklen_t length;
    minimio_fd listener = listen_on(family, &address, &length);

    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&address, length, ret_stream), 0);
    ck_assert_int_eq(minimio_registrator_register(registrator, *ret_stream, 9, MINIMIO_WRITABLE, MINIMIO_ONESHOT), 0);
    await_event();
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(*ret_stream), 0);
    return listener;
}

START_TEST(a_read_into_more_slices_than_iov_max_gives_a_short_count)
{
    static struct minimio_slice slices[SLICES];
    static char sent[SLICES], bytes[SLICES];

    memset(sent, 's', sizeof(sent));
    for (int i = 0; i < SLICES; i++)
        slices[i] = (struct minimio_slice){&bytes[i], 1};
    ck_assert_int_eq(send(pair.peer, sent, sizeof(sent), 0), SLICES);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    while (minimio_tcp_stream_peek(pair.stream, bytes, sizeof(bytes)) < SLICES)
        await_event();
    memset(bytes, '.', sizeof(bytes));
    ck_assert_int_eq(minimio_tcp_stream_read_vectored(pair.stream, slices, SLICES), IOV_MAX);
    for (int i = 0; i < SLICES; i++)
        ck_assert_int_eq(bytes[i], i < IOV_MAX ? 's' : '.');
    ck_assert_int_eq(minimio_tcp_stream_read_vectored(pair.stream, slices, SLICES), 5);
}
END_TEST

START_TEST(a_negative_count_of_slices_is_refused)
{
    char byte = 'u';
    struct minimio_slice slice = {&byte, 1};
    static const int counts[] = {-1, INT_MIN};

    send_text(pair.peer, "x");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(minimio_tcp_stream_read_vectored(pair.stream, &slice, counts[i]), -EINVAL);
        ck_assert_int_eq(minimio_tcp_stream_write_vectored(pair.stream, &slice, counts[i]), -EINVAL);
    }
    ck_assert_int_eq(byte, 'u');
    /* The first that arrives is what is sent now. */
    ck_assert_int_eq(minimio_tcp_stream_write(pair.stream, "y", 1), 1);
    ck_assert_int_eq(recv(pair.peer, &byte, 1, 0), 1);
    ck_assert_int_eq(byte, 'y');
}
END_TEST

START_TEST(a_hop_limit_out_of_range_is_refused_and_the_old_one_stays)
{
    static const uint32_t wrong[] = {0, 256, 257, INT32_MAX, (uint32_t)INT32_MAX + 1, UINT32_MAX};
    struct minimio_tcp_stream *stream;
    uint32_t ttl = 0;

    TEST_NEEDS(_i == 0 || has_ipv6(), IPV6);
    minimio_fd listener = connect_on(_i == 0 ? AF_INET : AF_INET6, &stream);
    for (uint32_t right = 1; right <= 255; right += 127) {
        ck_assert_int_eq(minimio_tcp_stream_set_ttl(stream, right), 0);
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
            ck_assert_int_eq(minimio_tcp_stream_set_ttl(stream, wrong[i]), -EINVAL);
        ck_assert_int_eq(minimio_tcp_stream_ttl(stream, &ttl), 0);
        ck_assert_uint_eq(ttl, right);
    }
    minimio_tcp_stream_free(stream);
    close_fd(listener);
}
END_TEST

START_TEST(options_are_independent_on_both_families)
{
    struct minimio_tcp_stream *stream;
    bool nodelay, keepalive;

    TEST_NEEDS(_i == 0 || has_ipv6(), IPV6);
    minimio_fd listener = connect_on(_i == 0 ? AF_INET : AF_INET6, &stream);
    for (int bits = 0; bits < 4; bits++) {
        ck_assert_int_eq(minimio_tcp_stream_set_nodelay(stream, (bits & 1) != 0), 0);
        ck_assert_int_eq(minimio_tcp_stream_set_keepalive(stream, (bits & 2) != 0), 0);
        ck_assert_int_eq(minimio_tcp_stream_nodelay(stream, &nodelay), 0);
        ck_assert_int_eq(minimio_tcp_stream_keepalive(stream, &keepalive), 0);
        ck_assert_int_eq(nodelay, (bits & 1) != 0);
        ck_assert_int_eq(keepalive, (bits & 2) != 0);
    }
    minimio_tcp_stream_free(stream);
    close_fd(listener);
}
END_TEST

START_TEST(lengths_of_addresses_are_outputs)
{
    struct sockaddr_storage address;
    struct minimio_tcp_stream *stream;
    socklen_t expected = _i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

    TEST_NEEDS(_i == 0 || has_ipv6(), IPV6);
    minimio_fd listener = connect_on(_i == 0 ? AF_INET : AF_INET6, &stream);
    for (socklen_t before = 0; before < 3; before++) {
        socklen_t length = before;
        ck_assert_int_eq(minimio_tcp_stream_local_addr(stream, &address, &length), 0);
        ck_assert_uint_eq(length, expected);
        length = before;
        ck_assert_int_eq(minimio_tcp_stream_peer_addr(stream, &address, &length), 0);
        ck_assert_uint_eq(length, expected);
        ck_assert_int_eq(address.ss_family, _i == 0 ? AF_INET : AF_INET6);
    }
    minimio_tcp_stream_free(stream);
    close_fd(listener);
}
END_TEST

START_TEST(outputs_are_untouched_by_a_failure)
{
    struct sockaddr_storage address, untouched;
    socklen_t length = 77;
    struct minimio_tcp_stream *stream;
    minimio_fd fd = open_socket(AF_INET, false);

    memset(&untouched, 0x5a, sizeof(untouched));
    address = untouched;
    ck_assert_int_eq(minimio_tcp_stream_from_fd(fd, &stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_peer_addr(stream, &address, &length), -ENOTCONN);
    ck_assert_mem_eq(&address, &untouched, sizeof(address));
    ck_assert_uint_eq(length, 77);
    minimio_tcp_stream_free(stream);
}
END_TEST

START_TEST(an_unknown_shutdown_is_refused_and_nothing_ends)
{
    static const int wrong[] = {-1, 3, INT_MAX};
    char byte;

    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, (enum minimio_shutdown)wrong[i]), -EINVAL);
    ck_assert_int_eq(minimio_tcp_stream_write(pair.stream, "x", 1), 1);
    ck_assert_int_eq(recv(pair.peer, &byte, 1, 0), 1);
}
END_TEST

Suite *library_stream_limits_suite(void)
{
    Suite *suite = suite_create("library_stream_limits");
    TCase *tests = tcase_create("limits of streams");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_read_into_more_slices_than_iov_max_gives_a_short_count);
    tcase_add_test(tests, a_negative_count_of_slices_is_refused);
    tcase_add_loop_test(tests, a_hop_limit_out_of_range_is_refused_and_the_old_one_stays, 0, 2);
    tcase_add_loop_test(tests, options_are_independent_on_both_families, 0, 2);
    tcase_add_loop_test(tests, lengths_of_addresses_are_outputs, 0, 2);
    tcase_add_test(tests, outputs_are_untouched_by_a_failure);
    tcase_add_test(tests, an_unknown_shutdown_is_refused_and_nothing_ends);
    suite_add_tcase(suite, tests);
    return suite;
}
