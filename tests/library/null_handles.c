/* SPDX-License-Identifier: MIT */
/* NULL for a handle is the caller's bug, which an assertion tells; to the functions that free it is nothing. */
#include "tests/library/support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

Suite *library_null_handles_suite(void);

static struct minimio_event event;
static struct sockaddr_storage address;
static socklen_t length;
static char letter;
static bool flag;
static uint32_t number;

/* One that is there, for what its place is beside. */
static struct minimio_tcp_stream *any_stream(void)
{
    struct minimio_tcp_stream *stream;

    if (minimio_tcp_stream_from_fd(socket(AF_INET, SOCK_STREAM, 0), &stream) != 0)
        exit(EXIT_FAILURE);
    return stream;
}

/* Each with a handle, or what it hands out to, that is NULL. */
static void call_with_null(int n)
{
    struct minimio_slice slice = {&letter, 1};
    const enum minimio_mode mode = MINIMIO_EDGE;
    int call = 0;

#define CALL(...)                                                                                                      \
    do {                                                                                                               \
        if (n == call++)                                                                                               \
            __VA_ARGS__;                                                                                               \
    } while (0)
    CALL(minimio_event_id(NULL));
    CALL(minimio_event_is_readable(NULL));
    CALL(minimio_event_is_writable(NULL));
    CALL(minimio_event_is_read_closed(NULL));
    CALL(minimio_event_is_write_closed(NULL));
    CALL(minimio_event_is_error(NULL));
    CALL(minimio_event_is_priority(NULL));
    CALL(minimio_poll_new(NULL));
    CALL(minimio_poll_poll(NULL, &event, 1, 0));
    CALL(minimio_poll_poll(queue, NULL, 1, 0));
    CALL(minimio_poll_registrator(NULL));
    CALL(minimio_poll_fd(NULL));
    CALL(minimio_registrator_register(NULL, NULL, 1, MINIMIO_READABLE, mode));
    CALL(minimio_registrator_register(registrator, NULL, 1, MINIMIO_READABLE, mode));
    CALL(minimio_registrator_register_fd(NULL, 0, 1, MINIMIO_READABLE, mode));
    CALL(minimio_registrator_register_socket(NULL, 0, 1, MINIMIO_READABLE, mode));
    CALL(minimio_registrator_reregister(registrator, NULL, 1, MINIMIO_READABLE, mode));
    CALL(minimio_registrator_reregister_fd(NULL, 0, 1, MINIMIO_READABLE, mode));
    CALL(minimio_registrator_deregister(registrator, NULL));
    CALL(minimio_registrator_deregister_fd(NULL, 0));
    CALL(minimio_registrator_register(NULL, any_stream(), 1, MINIMIO_READABLE, mode));
    CALL(minimio_registrator_reregister(NULL, any_stream(), 1, MINIMIO_READABLE, mode));
    CALL(minimio_registrator_deregister(NULL, any_stream()));
    CALL(minimio_registrator_wake(NULL));
    CALL(minimio_registrator_close_loop(NULL));
    CALL(minimio_selector_new(NULL));
    CALL(minimio_selector_select(NULL, &event, 1, 0));
    CALL(minimio_selector_registrator(NULL));
    CALL(minimio_tcp_stream_connect(NULL, 0, NULL));
    CALL(minimio_tcp_stream_connect_host(NULL, 0, NULL));
    CALL(minimio_tcp_stream_finish_connect(NULL));
    CALL(minimio_tcp_stream_from_fd(0, NULL));
    CALL(minimio_tcp_stream_read(NULL, &letter, 1));
    CALL(minimio_tcp_stream_peek(NULL, &letter, 1));
    CALL(minimio_tcp_stream_write(NULL, &letter, 1));
    CALL(minimio_tcp_stream_read_vectored(NULL, &slice, 1));
    CALL(minimio_tcp_stream_write_vectored(NULL, &slice, 1));
    CALL(minimio_tcp_stream_shutdown(NULL, MINIMIO_SHUTDOWN_BOTH));
    CALL(minimio_tcp_stream_set_nodelay(NULL, true));
    CALL(minimio_tcp_stream_nodelay(NULL, &flag));
    CALL(minimio_tcp_stream_set_keepalive(NULL, true));
    CALL(minimio_tcp_stream_keepalive(NULL, &flag));
    CALL(minimio_tcp_stream_set_ttl(NULL, 1));
    CALL(minimio_tcp_stream_ttl(NULL, &number));
    CALL(minimio_tcp_stream_take_error(NULL));
    CALL(minimio_tcp_stream_local_addr(NULL, &address, &length));
    CALL(minimio_tcp_stream_peer_addr(NULL, &address, &length));
    CALL(minimio_tcp_stream_fd(NULL));
    CALL(minimio_tcp_stream_take_fd(NULL));
#undef CALL
    ck_assert_int_eq(call, 46);
}

START_TEST(a_null_handle_is_asserted_against)
{
    /* What the assertion says is not for who reads the tests' output. */
    ck_assert_ptr_nonnull(freopen(NOWHERE, "w", stderr));
    call_with_null(_i);
}
END_TEST

START_TEST(to_free_null_is_nothing)
{
    ck_assert_ptr_null(minimio_poll_free(NULL));
    ck_assert_ptr_null(minimio_selector_free(NULL));
    ck_assert_ptr_null(minimio_registrator_free(NULL));
    ck_assert_ptr_null(minimio_tcp_stream_free(NULL));
}
END_TEST

Suite *library_null_handles_suite(void)
{
    Suite *suite = suite_create("library_null_handles");
    TCase *tests = tcase_create("null handles");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up_queue, tear_down_queue);
    tcase_add_loop_test_raise_signal(tests, a_null_handle_is_asserted_against, SIGABRT, 0, 48);
    tcase_add_test(tests, to_free_null_is_nothing);
    suite_add_tcase(suite, tests);
    return suite;
}
