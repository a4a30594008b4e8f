/* SPDX-License-Identifier: MIT */
/* What is this platform's own: its errors, its handles, its asynchronous procedure calls, Winsock's start. */
#include "tests/library/support.h"

#include "libminimio/winsock_windows.h"

#include <windows.h>

#include <errno.h>

Suite *windows_suite(void);

START_TEST(the_library_starts_winsock)
{
    struct minimio_tcp_stream *stream = NULL;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(1)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (_i == 0)
        ck_assert_int_eq(minimio_tcp_stream_connect_host("localhost:1", PLENTY, &stream), -ECONNREFUSED);
    if (_i == 1)
        ck_assert_int_eq(minimio_tcp_stream_from_fd(4, &stream), -ENOTSOCK);
    if (_i == 2) {
        int r = minimio_tcp_stream_connect((struct sockaddr *)&address, sizeof(address), &stream);
        ck_assert(r == 0 || r == -ECONNREFUSED);
        minimio_tcp_stream_free(stream);
    }
}
END_TEST

START_TEST(errors_are_errno_values)
{
    ck_assert_int_eq(winsock_error(0), 0);
    ck_assert_int_eq(winsock_error(WSAEWOULDBLOCK), -EAGAIN);
    ck_assert_int_eq(winsock_error(WSAECONNREFUSED), -ECONNREFUSED);
    ck_assert_int_eq(winsock_error(WSAESHUTDOWN), -EPIPE);
    ck_assert_int_eq(winsock_error(WSAEHOSTUNREACH), -EHOSTUNREACH);
    ck_assert_int_eq(winsock_error(123456), -EIO);
}
END_TEST

static void CALLBACK count_call(ULONG_PTR calls)
{
    ++*(int *)calls;
}

START_TEST(asynchronous_procedure_calls_neither_fail_nor_shorten_a_poll)
{
    struct minimio_event event;
    int calls = 0;

    set_up_queue();
    for (int64_t timeout_ns = 3 * MS; timeout_ns < 200 * MS; timeout_ns *= 5) {
        for (int i = 0; i < 3; i++)
            ck_assert(QueueUserAPC(count_call, GetCurrentThread(), (ULONG_PTR)&calls));
        int64_t start = now_ns();
        ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, timeout_ns), 0);
        ck_assert_int_ge(now_ns() - start, timeout_ns);
        ck_assert_int_eq(calls, 3);
        calls = 0;
    }
    tear_down_queue();
}
END_TEST

START_TEST(an_asynchronous_procedure_call_ends_a_selector_s_wait)
{
    static const int64_t timeouts[] = {10 * MS, PLENTY, MINIMIO_FOREVER};
    struct minimio_selector *selector;
    struct minimio_event event;
    int calls = 0;

    ck_assert_int_eq(minimio_selector_new(&selector), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert(QueueUserAPC(count_call, GetCurrentThread(), (ULONG_PTR)&calls));
        ck_assert_int_eq(minimio_selector_select(selector, &event, 1, timeouts[i]), -EINTR);
    }
    ck_assert_int_eq(calls, 3);
    minimio_selector_free(selector);
}
END_TEST

#define MANY 150 /* handles to AFD serve 32 each */

START_TEST(many_sockets_share_handles_that_go_with_the_last)
{
    static minimio_fd fds[MANY];
    struct minimio_event events[MANY];

    set_up_queue();
    trigger_free(trigger_new(true));
    for (int i = 0; i < MANY; i++)
        fds[i] = trigger_new(true);
    int before = open_descriptors();
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < MANY; i++)
            ck_assert_int_eq(
                minimio_registrator_register_fd(registrator, fds[i], (minimio_token)i, MINIMIO_READABLE, MINIMIO_LEVEL),
                0);
        ck_assert_int_eq(open_descriptors(), before + (MANY + 31) / 32);
        ck_assert_int_eq(minimio_poll_poll(queue, events, MANY, PLENTY), MANY);
        for (int i = 0; i < MANY; i++)
            ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fds[(i * 7 + round) % MANY]), 0);
        ck_assert_int_eq(minimio_poll_poll(queue, events, MANY, 0), 0);
        ck_assert_int_eq(open_descriptors(), before);
    }
    for (int i = 0; i < MANY; i++)
        trigger_free(fds[i]);
    tear_down_queue();
}
END_TEST

/* Registered and forgotten over and over without a poll: what the kernel gives back is taken in time. */
START_TEST(what_is_forgotten_does_not_pile_up)
{
    struct pair pair;

    set_up_queue();
    pair_open(&pair);
    int before = open_descriptors();
    for (int i = 0; i < 2000; i++) {
        ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
        ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
    }
    ck_assert_int_le(open_descriptors(), before + 3);
    pair_close(&pair);
    tear_down_queue();
}
END_TEST

START_TEST(a_short_read_meets_the_end_as_well)
{
    struct pair pair;
    struct minimio_event event;
    char bytes[8];

    set_up_queue();
    pair_open(&pair);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    for (int i = 0; i < 3; i++) {
        send_text(pair.peer, "four");
        event = await_event();
        ck_assert(minimio_event_is_readable(&event));
        assert_quiet();
        ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, bytes, sizeof(bytes)), 4);
        assert_quiet();
    }
    pair_close(&pair);
    tear_down_queue();
}
END_TEST

/* The event that was not returned yet says nothing of room any more; nothing is told twice. */
START_TEST(what_is_on_its_way_is_over_when_the_end_is_met)
{
    struct pair pair;
    minimio_fd trigger = trigger_new(true);
    struct minimio_event event;
    const minimio_interests both = MINIMIO_READABLE | MINIMIO_WRITABLE;

    set_up_queue();
    pair_open(&pair);
    ck_assert_int_eq(shutdown(pair.peer, SHUT_WR), 0);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, trigger, 2, MINIMIO_READABLE, MINIMIO_ONESHOT), 0);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, both, MINIMIO_EDGE), 0);
    /* Both are ready, and there is room for the first alone. */
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, PLENTY), 1);
    ck_assert_uint_eq(minimio_event_id(&event), 2);
    fill(pair.stream);
    event = await_event();
    ck_assert(minimio_event_is_read_closed(&event));
    ck_assert(minimio_event_is_readable(&event));
    ck_assert(!minimio_event_is_writable(&event));
    pair_close(&pair);
    tear_down_queue();
    trigger_free(trigger);
}
END_TEST

/* That the peer ends as well is no news to who has ended reading. */
START_TEST(the_own_end_and_the_peer_s_are_told_as_one)
{
    enum minimio_shutdown how = _i == 0 ? MINIMIO_SHUTDOWN_READ : MINIMIO_SHUTDOWN_BOTH;
    struct pair pair;

    set_up_queue();
    pair_open(&pair);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, how), 0);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_read_closed(&event));
    ck_assert_int_eq(minimio_event_is_write_closed(&event), _i == 1);
    assert_quiet();
    ck_assert_int_eq(shutdown(pair.peer, SHUT_WR), 0);
    assert_quiet();
    pair_close(&pair);
    tear_down_queue();
}
END_TEST

Suite *windows_suite(void)
{
    Suite *suite = suite_create("windows");
    TCase *tests = tcase_create("windows");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_loop_test(tests, the_library_starts_winsock, 0, 3);
    tcase_add_test(tests, errors_are_errno_values);
    tcase_add_test(tests, asynchronous_procedure_calls_neither_fail_nor_shorten_a_poll);
    tcase_add_test(tests, an_asynchronous_procedure_call_ends_a_selector_s_wait);
    tcase_add_test(tests, many_sockets_share_handles_that_go_with_the_last);
    tcase_add_test(tests, what_is_forgotten_does_not_pile_up);
    tcase_add_test(tests, a_short_read_meets_the_end_as_well);
    tcase_add_test(tests, what_is_on_its_way_is_over_when_the_end_is_met);
    tcase_add_loop_test(tests, the_own_end_and_the_peer_s_are_told_as_one, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
