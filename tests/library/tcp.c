/* SPDX-License-Identifier: MIT */
/* TcpStream: connecting, the flags of its ends, reading and writing, options. */
#include "tests/library/ipv6.h"
#include "tests/library/skips.h"
#include "tests/library/support.h"
#include "tests/skip.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

Suite *library_tcp_suite(void);

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

static void add(minimio_interests interests, enum minimio_mode mode)
{
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, interests, mode), 0);
}

/* ---- Connecting ------------------------------------------------------------------------------------------------- */

START_TEST(streams_are_non_blocking_and_close_on_exec_on_both_families)
{
    struct sockaddr_storage address, peer;
    socklen_t length, peer_length;
    struct minimio_tcp_stream *stream;
    int family = _i == 0 ? AF_INET : AF_INET6;

    TEST_NEEDS(_i == 0 || has_ipv6(), IPV6);
    minimio_fd listener = listen_on(family, &address, &length);
    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&address, length, &stream), 0);
    minimio_fd fd = minimio_tcp_stream_fd(stream);
    ck_assert(!is_inherited(fd));
    ck_assert_int_eq(minimio_registrator_register(registrator, stream, 1, MINIMIO_WRITABLE, MINIMIO_ONESHOT), 0);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_writable(&event));
    ck_assert(!minimio_event_is_error(&event));
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(stream), 0);
    ck_assert(is_non_blocking(fd));
    ck_assert_int_eq(minimio_tcp_stream_peer_addr(stream, &peer, &peer_length), 0);
    ck_assert_int_eq(peer_length, length);
    ck_assert_mem_eq(&peer, &address, length);
    ck_assert_int_eq(minimio_tcp_stream_local_addr(stream, &peer, &peer_length), 0);
    ck_assert_int_eq(peer.ss_family, family);
    minimio_tcp_stream_free(stream);
    close_fd(listener);
}
END_TEST

START_TEST(a_refused_connect_is_told_and_told_again)
{
    struct sockaddr_storage address;
    socklen_t length = 1;
    struct minimio_tcp_stream *stream;

    close_fd(listen_on(AF_INET, &address, &length));
    int r = minimio_tcp_stream_connect((struct sockaddr *)&address, length, &stream);
    if (r < 0) { /* at once, which the contract allows */
        ck_assert_int_eq(r, -ECONNREFUSED);
        return;
    }
    ck_assert_int_eq(minimio_registrator_register(registrator, stream, 1, MINIMIO_WRITABLE, MINIMIO_ONESHOT), 0);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_writable(&event) || minimio_event_is_error(&event));
    if (_i == 1)
        ck_assert_int_eq(minimio_tcp_stream_take_error(stream), -ECONNREFUSED);
    if (_i == 2)
        ck_assert_int_eq(minimio_tcp_stream_read(stream, &event, 1), -ECONNREFUSED);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(minimio_tcp_stream_finish_connect(stream), -ECONNREFUSED);
    ck_assert_int_eq(minimio_tcp_stream_take_error(stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_peer_addr(stream, &address, &length), -ENOTCONN);
    minimio_tcp_stream_free(stream);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    struct minimio_tcp_stream *stream = pair.stream;
    struct sockaddr address = {.sa_family = NO_FAMILY};

    ck_assert_int_eq(minimio_tcp_stream_connect(&address, sizeof(address), &stream), -EAFNOSUPPORT);
    ck_assert_int_eq(minimio_tcp_stream_connect(&address, 1, &stream), -EINVAL);
    address.sa_family = AF_INET;
    ck_assert_int_eq(minimio_tcp_stream_connect(&address, 4, &stream), -EINVAL);
    ck_assert_ptr_eq(stream, pair.stream);
}
END_TEST

START_TEST(a_stream_may_be_closed_while_it_connects)
{
    struct sockaddr_storage address;
    socklen_t length;
    minimio_fd filling[FILLING];
    struct minimio_tcp_stream *stream;
    char byte;

    minimio_fd listener = listen_in_silence(&address, &length, filling);
    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&address, length, &stream), 0);
    ck_assert_int_eq(minimio_registrator_register(registrator, stream, 1, MINIMIO_WRITABLE, MINIMIO_LEVEL), 0);
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(stream), -EINPROGRESS);
    ck_assert_int_eq(minimio_tcp_stream_read(stream, &byte, 1), -EAGAIN);
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(stream), -EINPROGRESS);
    assert_quiet();
    minimio_tcp_stream_free(stream);
    assert_quiet();
    close_all(filling, FILLING);
    close_fd(listener);
}
END_TEST

START_TEST(take_fd_and_from_fd_are_a_round_trip)
{
    char byte;

    add(MINIMIO_READABLE, MINIMIO_LEVEL);
    minimio_fd fd = minimio_tcp_stream_take_fd(pair.stream);
    pair.stream = NULL;
    send_text(pair.peer, "x");
    ck_assert_uint_eq(await_event().token, 1); /* the registration stays */
    make_blocking_and_inherited(fd);
    ck_assert_int_eq(minimio_tcp_stream_from_fd(fd, &pair.stream), 0);
    ck_assert(minimio_tcp_stream_fd(pair.stream) == fd);
    ck_assert(!is_inherited(fd));
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(pair.stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, &byte, 1), 1);
    ck_assert(is_non_blocking(fd));
    ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
}
END_TEST

START_TEST(from_fd_leaves_what_it_refuses_to_its_owner)
{
    minimio_fd file = open_file();
    struct minimio_tcp_stream *stream = pair.stream;

    ck_assert_int_eq(minimio_tcp_stream_from_fd(file, &stream), -ENOTSOCK);
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, file), -ENOENT); /* it is open still */
    close_file(file);
    ck_assert_int_eq(minimio_tcp_stream_from_fd(file, &stream), -EBADF);
    ck_assert_int_eq(minimio_tcp_stream_from_fd(MINIMIO_INVALID_FD, &stream), -EBADF);
    ck_assert_ptr_eq(stream, pair.stream);
}
END_TEST

START_TEST(a_socket_that_nobody_connects_does_not_finish)
{
    struct minimio_tcp_stream *stream;
    minimio_fd fd = open_socket(AF_INET, true);

    ck_assert_int_eq(minimio_tcp_stream_from_fd(fd, &stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(stream), -ENOTCONN);
    ck_assert_int_eq(minimio_tcp_stream_shutdown(stream, MINIMIO_SHUTDOWN_BOTH), -ENOTCONN);
    ck_assert_ptr_null(minimio_tcp_stream_free(stream));
    ck_assert_ptr_null(minimio_tcp_stream_free(NULL));
}
END_TEST

/* ---- Reading and writing ---------------------------------------------------------------------------------------- */

START_TEST(where_there_is_nothing_reading_would_block)
{
    char byte = 'u';
    struct minimio_slice slice = {&byte, 1};

    ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, &byte, 1), -EAGAIN);
    ck_assert_int_eq(minimio_tcp_stream_peek(pair.stream, &byte, 1), -EAGAIN);
    ck_assert_int_eq(minimio_tcp_stream_read_vectored(pair.stream, &slice, 1), -EAGAIN);
    ck_assert_int_eq(byte, 'u');
}
END_TEST

#define TRANSFER (16 << 20)

/* The peer echoes what comes, in a thread of its own, until the stream has sent its end. Returns whether all went. */
static void *echo(void *unused)
{
    static char block[65536];

    (void)unused;
    for (;;) {
        int count = (int)recv(pair.peer, block, sizeof(block), 0);
        if (count <= 0)
            return count == 0 ? block : NULL;
        for (int sent = 0; sent < count;) {
            int now = (int)send(pair.peer, block + sent, (size_t)(count - sent), MSG_NOSIGNAL);
            if (now < 0)
                return NULL;
            sent += now;
        }
    }
}

static char byte_at(size_t offset)
{
    return (char)(offset * 31 + (offset >> 12));
}

static size_t write_more(size_t sent)
{
    char block[30000];
    size_t length = sizeof(block) < TRANSFER - sent ? sizeof(block) : TRANSFER - sent;

    for (size_t i = 0; i < length; i++)
        block[i] = byte_at(sent + i);
    ssize_t written = length == 0 ? -EAGAIN : minimio_tcp_stream_write(pair.stream, block, length);
    ck_assert(written > 0 || written == -EAGAIN);
    return written > 0 ? (size_t)written : 0;
}

static size_t read_more(size_t received)
{
    static char peeked[50000], block[50000];

    ssize_t seen = minimio_tcp_stream_peek(pair.stream, peeked, sizeof(peeked));
    if (seen <= 0) {
        ck_assert_int_eq(seen, -EAGAIN);
        return 0;
    }
    ssize_t count = minimio_tcp_stream_read(pair.stream, block, (size_t)seen);
    ck_assert_int_eq(count, seen);
    ck_assert_mem_eq(block, peeked, (size_t)count);
    for (ssize_t i = 0; i < count; i++)
        if (block[i] != byte_at(received + (size_t)i))
            ck_abort_msg("byte %zu is wrong", received + (size_t)i);
    return (size_t)count;
}

START_TEST(sixteen_mebibytes_go_there_and_back_under_edge)
{
    size_t sent = 0, received = 0;
    pthread_t thread;
    void *all_went;

    ck_assert_int_eq(pthread_create(&thread, NULL, echo, NULL), 0);
    add(MINIMIO_READABLE | MINIMIO_WRITABLE, MINIMIO_EDGE);
    while (received < TRANSFER) {
        size_t done;
        await_event();
        do {
            size_t written = write_more(sent);
            size_t read = read_more(received);
            sent += written;
            received += read;
            done = written + read;
        } while (done > 0);
    }
    ck_assert_uint_eq(sent, TRANSFER);
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_WRITE), 0);
    ck_assert_int_eq(pthread_join(thread, &all_went), 0);
    ck_assert_ptr_nonnull(all_went);
}
END_TEST

START_TEST(a_second_arrival_after_draining_fires_again)
{
    add(MINIMIO_READABLE, MINIMIO_EDGE);
    for (int i = 0; i < 3; i++) {
        send_text(pair.peer, "x");
        struct minimio_event event = await_event();
        ck_assert(minimio_event_is_readable(&event));
        ck_assert_uint_eq(drain(pair.stream), 1);
        assert_quiet();
    }
}
END_TEST

START_TEST(peek_keeps_readiness)
{
    char bytes[8];

    add(MINIMIO_READABLE, MINIMIO_LEVEL);
    send_text(pair.peer, "abc");
    for (int i = 0; i < 3; i++) {
        struct minimio_event event = await_event();
        ck_assert(minimio_event_is_readable(&event));
        ck_assert_int_eq(minimio_tcp_stream_peek(pair.stream, bytes, sizeof(bytes)), 3);
        ck_assert_mem_eq(bytes, "abc", 3);
    }
    ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, bytes, sizeof(bytes)), 3);
    assert_quiet();
}
END_TEST

START_TEST(vectored_calls_leave_the_tail_untouched)
{
    char ab[] = "ab", cd[] = "cd";
    char a[3] = "..", b[6] = ".....";
    char got[8] = "";
    struct minimio_slice out[] = {{ab, 2}, {NULL, 0}, {cd, 2}};
    struct minimio_slice in[] = {{a, 2}, {b, 5}};

    ck_assert_int_eq(minimio_tcp_stream_write_vectored(pair.stream, out, 3), 4);
    ck_assert_int_eq(recv(pair.peer, got, 4, MSG_WAITALL), 4);
    ck_assert_str_eq(got, "abcd");
    send_text(pair.peer, "wxyz");
    ck_assert_int_eq(minimio_tcp_stream_read_vectored(pair.stream, in, 2), 4);
    ck_assert_str_eq(a, "wx");
    ck_assert_str_eq(b, "yz...");
    ck_assert_int_eq(minimio_tcp_stream_read_vectored(pair.stream, in, -1), -EINVAL);
    ck_assert_int_eq(minimio_tcp_stream_write_vectored(pair.stream, out, -1), -EINVAL);
    ck_assert_int_eq(minimio_tcp_stream_write_vectored(pair.stream, out, 0), 0);
}
END_TEST

START_TEST(more_slices_than_iov_max_give_a_short_count)
{
    static struct minimio_slice slices[IOV_MAX + 5];
    char z = 'z';

    for (int i = 0; i < IOV_MAX + 5; i++)
        slices[i] = (struct minimio_slice){&z, 1};
    ck_assert_int_eq(minimio_tcp_stream_write_vectored(pair.stream, slices, IOV_MAX + 5), IOV_MAX);
}
END_TEST

START_TEST(write_then_close_and_the_peer_reads_it_all)
{
    static char block[65536];
    size_t written = fill(pair.stream), total = 0;
    ssize_t count;

    pair.stream = minimio_tcp_stream_free(pair.stream);
    while ((count = recv(pair.peer, block, sizeof(block), 0)) > 0)
        total += (size_t)count;
    ck_assert_int_eq(count, 0);
    ck_assert_uint_eq(total, written);
}
END_TEST

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

START_TEST(the_peer_s_end_is_readable_and_read_closed_but_not_write_closed)
{
    char byte;

    add(MINIMIO_READABLE, MINIMIO_EDGE);
    ck_assert_int_eq(shutdown(pair.peer, SHUT_WR), 0);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_readable(&event));
    ck_assert(minimio_event_is_read_closed(&event));
    ck_assert(!minimio_event_is_write_closed(&event));
    ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, &byte, 1), 0);
    ck_assert_int_eq(minimio_tcp_stream_write(pair.stream, "x", 1), 1);
    ck_assert_int_eq(recv(pair.peer, &byte, 1, 0), 1);
}
END_TEST

START_TEST(a_writer_hears_of_the_peer_s_end_too)
{
    SKIP_ON("kqueue", "EVFILT_WRITE tells of the sending direction alone");
    add(MINIMIO_WRITABLE, MINIMIO_EDGE);
    struct minimio_event event = await_event();
    ck_assert(!minimio_event_is_read_closed(&event));
    shutdown(pair.peer, SHUT_WR);
    await_flag(1, minimio_event_is_read_closed);
}
END_TEST

START_TEST(own_shutdown_of_reading_is_read_closed)
{
    add(MINIMIO_READABLE, MINIMIO_EDGE);
    assert_quiet();
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_READ), 0);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_read_closed(&event));
    ck_assert(!minimio_event_is_write_closed(&event));
}
END_TEST

START_TEST(own_shutdown_of_writing_closes_no_reading)
{
    char byte;

    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_WRITE), 0);
    ck_assert_int_eq(recv(pair.peer, &byte, 1, 0), 0);
    add(MINIMIO_READABLE, MINIMIO_EDGE);
    send_text(pair.peer, "x");
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_readable(&event));
    ck_assert(!minimio_event_is_read_closed(&event));
}
END_TEST

START_TEST(own_shutdown_of_both_is_write_closed_and_writing_is_epipe)
{
    add(MINIMIO_READABLE | MINIMIO_WRITABLE, MINIMIO_EDGE);
    await_event();
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_BOTH), 0);
    struct minimio_event event = await_flag(1, minimio_event_is_write_closed);
    ck_assert(minimio_event_is_read_closed(&event));
    /* No SIGPIPE: the test would end here. */
    ck_assert_int_eq(minimio_tcp_stream_write(pair.stream, "x", 1), -EPIPE);
    char x = 'x';
    struct minimio_slice slice = {&x, 1};
    ck_assert_int_eq(minimio_tcp_stream_write_vectored(pair.stream, &slice, 1), -EPIPE);
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, (enum minimio_shutdown)3), -EINVAL);
}
END_TEST

START_TEST(an_own_shutdown_before_registering_is_told_and_repeats_under_level)
{
    struct minimio_event event;

    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_READ), 0);
    add(MINIMIO_READABLE, MINIMIO_LEVEL);
    for (int i = 0; i < 3; i++) {
        event = await_event();
        ck_assert(minimio_event_is_read_closed(&event));
        ck_assert(!minimio_event_is_write_closed(&event));
    }
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_ONESHOT), 0);
    event = await_event();
    ck_assert(minimio_event_is_read_closed(&event));
    assert_quiet();
}
END_TEST

START_TEST(a_reset_is_read_closed_and_then_it_is_quiet)
{
    char byte;
    enum minimio_mode mode = _i == 0 ? MINIMIO_EDGE : MINIMIO_ONESHOT;

    add(MINIMIO_READABLE, mode);
    reset_on_close(pair.peer);
    pair_close_peer(&pair);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_read_closed(&event));
    ck_assert(minimio_event_is_write_closed(&event));
    ck_assert(minimio_event_is_error(&event));
    /* Wine's server reads the error off the socket beneath, so that the next call finds an end there. */
    ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, &byte, 1), is_wine() ? 0 : -ECONNRESET);
    assert_quiet();
}
END_TEST

START_TEST(a_hang_up_repeats_under_level)
{
    add(MINIMIO_READABLE, MINIMIO_LEVEL);
    reset_on_close(pair.peer);
    pair_close_peer(&pair);
    for (int i = 0; i < 3; i++) {
        struct minimio_event event = await_event();
        ck_assert(minimio_event_is_read_closed(&event));
    }
}
END_TEST

START_TEST(the_pending_error_is_taken_once)
{
    reset_on_close(pair.peer);
    pair_close_peer(&pair);
    add(MINIMIO_READABLE, MINIMIO_EDGE);
    await_event();
    ck_assert_int_eq(minimio_tcp_stream_take_error(pair.stream), is_wine() ? 0 : -ECONNRESET);
    ck_assert_int_eq(minimio_tcp_stream_take_error(pair.stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(pair.stream), 0); /* it was connected */
}
END_TEST

START_TEST(writing_to_a_gone_peer_fails_in_the_end)
{
    ssize_t r;

    pair_close_peer(&pair);
    add(MINIMIO_WRITABLE, MINIMIO_LEVEL);
    for (int i = 0; i < 1000; i++) {
        await_event();
        r = minimio_tcp_stream_write(pair.stream, "x", 1);
        if (r < 0)
            break;
    }
    ck_assert(r == -EPIPE || r == -ECONNRESET);
}
END_TEST

START_TEST(out_of_band_data_is_priority)
{
    int r = minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_PRIORITY, MINIMIO_EDGE);
    if (r == -ENOTSUP && skip_on("kqueue", __func__, "FreeBSD and NetBSD have no EVFILT_EXCEPT"))
        return;
    ck_assert_int_eq(r, 0);
    send_text(pair.peer, "x");
    assert_quiet();
    ck_assert_int_eq(send(pair.peer, "!", 1, MSG_OOB), 1);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_priority(&event));
    ck_assert(!minimio_event_is_readable(&event));
}
END_TEST

/* ---- Options ---------------------------------------------------------------------------------------------------- */

START_TEST(options_are_set_and_read_back)
{
    bool flag;
    uint32_t ttl;

    for (int i = 1; i >= 0; i--) {
        ck_assert_int_eq(minimio_tcp_stream_set_nodelay(pair.stream, i), 0);
        ck_assert_int_eq(minimio_tcp_stream_nodelay(pair.stream, &flag), 0);
        ck_assert_int_eq(flag, i);
        ck_assert_int_eq(minimio_tcp_stream_set_keepalive(pair.stream, i), 0);
        ck_assert_int_eq(minimio_tcp_stream_keepalive(pair.stream, &flag), 0);
        ck_assert_int_eq(flag, i);
    }
    ck_assert_int_eq(minimio_tcp_stream_set_ttl(pair.stream, 17), 0);
    ck_assert_int_eq(minimio_tcp_stream_ttl(pair.stream, &ttl), 0);
    ck_assert_uint_eq(ttl, 17);
    ck_assert_int_eq(minimio_tcp_stream_set_ttl(pair.stream, 255), 0);
    ck_assert_int_eq(minimio_tcp_stream_set_ttl(pair.stream, 0), -EINVAL);
    ck_assert_int_eq(minimio_tcp_stream_set_ttl(pair.stream, 256), -EINVAL);
    ck_assert_int_eq(minimio_tcp_stream_set_ttl(pair.stream, UINT32_MAX), -EINVAL);
    ck_assert_int_eq(minimio_tcp_stream_ttl(pair.stream, &ttl), 0);
    ck_assert_uint_eq(ttl, 255);
}
END_TEST

START_TEST(ttl_is_the_hop_limit_on_v6)
{
    struct sockaddr_storage address;
    socklen_t length;
    struct minimio_tcp_stream *stream;
    uint32_t ttl;
    int hops;

    TEST_NEEDS(has_ipv6(), IPV6);
    minimio_fd listener = listen_on(AF_INET6, &address, &length);
    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&address, length, &stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_set_ttl(stream, 33), 0);
    ck_assert_int_eq(minimio_tcp_stream_ttl(stream, &ttl), 0);
    ck_assert_uint_eq(ttl, 33);
    length = sizeof(hops);
    ck_assert_int_eq(getsockopt(minimio_tcp_stream_fd(stream), IPPROTO_IPV6, IPV6_UNICAST_HOPS, (void *)&hops, &length),
                     0);
    ck_assert_int_eq(hops, 33);
    minimio_tcp_stream_free(stream);
    close_fd(listener);
}
END_TEST

Suite *library_tcp_suite(void)
{
    Suite *suite = suite_create("library_tcp");
    TCase *tests = tcase_create("tcp");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, streams_are_non_blocking_and_close_on_exec_on_both_families, 0, 2);
    tcase_add_loop_test(tests, a_refused_connect_is_told_and_told_again, 0, 3);
    tcase_add_test(tests, what_is_no_address_is_refused);
    tcase_add_test(tests, a_stream_may_be_closed_while_it_connects);
    tcase_add_test(tests, take_fd_and_from_fd_are_a_round_trip);
    tcase_add_test(tests, from_fd_leaves_what_it_refuses_to_its_owner);
    tcase_add_test(tests, a_socket_that_nobody_connects_does_not_finish);
    tcase_add_test(tests, where_there_is_nothing_reading_would_block);
    tcase_add_test(tests, sixteen_mebibytes_go_there_and_back_under_edge);
    tcase_add_test(tests, a_second_arrival_after_draining_fires_again);
    tcase_add_test(tests, peek_keeps_readiness);
    tcase_add_test(tests, vectored_calls_leave_the_tail_untouched);
    tcase_add_test(tests, more_slices_than_iov_max_give_a_short_count);
    tcase_add_test(tests, write_then_close_and_the_peer_reads_it_all);
    tcase_add_test(tests, the_peer_s_end_is_readable_and_read_closed_but_not_write_closed);
    tcase_add_test(tests, a_writer_hears_of_the_peer_s_end_too);
    tcase_add_test(tests, own_shutdown_of_reading_is_read_closed);
    tcase_add_test(tests, own_shutdown_of_writing_closes_no_reading);
    tcase_add_test(tests, own_shutdown_of_both_is_write_closed_and_writing_is_epipe);
    tcase_add_test(tests, an_own_shutdown_before_registering_is_told_and_repeats_under_level);
    tcase_add_loop_test(tests, a_reset_is_read_closed_and_then_it_is_quiet, 0, 2);
    tcase_add_test(tests, a_hang_up_repeats_under_level);
    tcase_add_test(tests, the_pending_error_is_taken_once);
    tcase_add_test(tests, writing_to_a_gone_peer_fails_in_the_end);
    tcase_add_test(tests, out_of_band_data_is_priority);
    tcase_add_test(tests, options_are_set_and_read_back);
    tcase_add_test(tests, ttl_is_the_hop_limit_on_v6);
    suite_add_tcase(suite, tests);
    return suite;
}
