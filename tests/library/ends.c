/* SPDX-License-Identifier: MIT */
/* How a connection ends, against every mode and either interest: what is told, how often, and what calls then give. */
#include "tests/library/skips.h"
#include "tests/library/support.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

Suite *library_ends_suite(void);

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

static void peer_ends(void)
{
    ck_assert_int_eq(shutdown(pair.peer, SHUT_WR), 0);
}

static void peer_closes(void)
{
    pair_close_peer(&pair);
}

static void peer_resets(void)
{
    reset_on_close(pair.peer);
    peer_closes();
}

static void own_reading_ends(void)
{
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_READ), 0);
}

static void own_both_end(void)
{
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_BOTH), 0);
}

static const struct {
    const char *name;
    void (*happen)(void);
    bool is_write_closed;
} ends[] = {
    {"the peer ends", peer_ends, false},    {"the peer closes", peer_closes, false},
    {"the peer resets", peer_resets, true}, {"own reading ends", own_reading_ends, false},
    {"both end", own_both_end, true},
};

#define ENDS  ((int)(sizeof(ends) / sizeof(ends[0])))
#define MODES 3
#define CASES (ENDS * MODES * 2)

struct end_case {
    int end;
    enum minimio_mode mode;
    minimio_interests interest;
};

static struct end_case nth_case(int n)
{
    return (struct end_case){
        .end = n % ENDS,
        .mode = (enum minimio_mode)(n / ENDS % MODES),
        .interest = n / ENDS / MODES == 0 ? MINIMIO_READABLE : MINIMIO_WRITABLE,
    };
}

static bool is_told(struct end_case it)
{
    return it.interest == MINIMIO_READABLE || ends[it.end].happen == peer_resets ||
           !skip_on("kqueue", "library_ends, of a writer, but resets",
                    "EVFILT_WRITE tells of the sending direction alone");
}

static bool is_write_closed_told(struct end_case it)
{
    return ends[it.end].is_write_closed && (it.interest == MINIMIO_WRITABLE || ends[it.end].happen == peer_resets ||
                                            !skip_on("kqueue", "library_ends, write_closed of a reader, but resets",
                                                     "EVFILT_READ tells of the receiving direction alone"));
}

/* An edge or a oneshot of a writer is told of room first. */
static void arm(struct end_case it, minimio_token token)
{
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, token, it.interest, it.mode), 0);
    if (it.interest == MINIMIO_READABLE || it.mode == MINIMIO_LEVEL)
        return;
    struct minimio_event event = await_event();
    ck_assert(!minimio_event_is_read_closed(&event));
    if (it.mode == MINIMIO_ONESHOT)
        ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
}

static void assert_ended(const struct minimio_event *event, struct end_case it)
{
    ck_assert_uint_eq(minimio_event_id(event), 1);
    ck_assert_msg(minimio_event_is_read_closed(event), "%s: it is read closed", ends[it.end].name);
    ck_assert_msg(minimio_event_is_write_closed(event) == is_write_closed_told(it), "%s: write closed or not",
                  ends[it.end].name);
    if (it.interest == MINIMIO_READABLE)
        ck_assert_msg(minimio_event_is_readable(event), "%s: a read tells", ends[it.end].name);
}

START_TEST(an_end_is_told_in_every_mode_whatever_the_interest)
{
    struct end_case it = nth_case(_i);

    if (!is_told(it))
        return;
    arm(it, 1);
    ends[it.end].happen();
    if (it.interest == MINIMIO_WRITABLE && it.mode == MINIMIO_ONESHOT) /* its one event was room */
        ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, it.interest, it.mode), 0);
    struct minimio_event event = await_flag(1, minimio_event_is_read_closed);
    assert_ended(&event, it);
    /* When both directions end, that the peer has taken it up may be told too. */
    if (it.mode == MINIMIO_ONESHOT || (it.mode == MINIMIO_EDGE && ends[it.end].happen != own_both_end))
        assert_quiet();
    for (int i = 0; i < 3 && it.mode == MINIMIO_LEVEL; i++) {
        event = await_event();
        assert_ended(&event, it);
    }
}
END_TEST

START_TEST(an_end_that_was_there_before_is_told_to_who_registers)
{
    struct end_case it = nth_case(_i);

    if (!is_told(it))
        return;
    ends[it.end].happen();
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, it.interest, it.mode), 0);
    struct minimio_event event = await_flag(1, minimio_event_is_read_closed);
    assert_ended(&event, it);
}
END_TEST

START_TEST(an_end_is_told_again_to_who_reregisters)
{
    struct end_case it = nth_case(_i);

    if (!is_told(it))
        return;
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 7, it.interest, it.mode), 0);
    ends[it.end].happen();
    await_flag(7, minimio_event_is_read_closed);
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 1, it.interest, it.mode), 0);
    struct minimio_event event = await_flag(1, minimio_event_is_read_closed);
    assert_ended(&event, it);
    ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
    assert_quiet();
}
END_TEST

static bool is_end_seen_behind_data(void)
{
    return !is_wine() || !skip_on("windows", "what_was_sent_before_the_end_is_read_first",
                                  "in part, under wine alone: " WINE_READS_UP_TO_AN_END);
}

START_TEST(what_was_sent_before_the_end_is_read_first)
{
    char bytes[8];

    send_text(pair.peer, "last");
    if (_i == 0)
        peer_ends();
    else
        peer_closes();
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    await_flag(1, is_end_seen_behind_data() ? minimio_event_is_read_closed : minimio_event_is_readable);
    ck_assert_int_eq(minimio_tcp_stream_peek(pair.stream, bytes, sizeof(bytes)), 4);
    ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, bytes, sizeof(bytes)), 4);
    ck_assert_mem_eq(bytes, "last", 4);
    await_flag(1, minimio_event_is_read_closed);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(minimio_tcp_stream_peek(pair.stream, bytes, sizeof(bytes)), 0);
        ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, bytes, sizeof(bytes)), 0);
    }
}
END_TEST

static volatile sig_atomic_t signals;

#ifdef SIGPIPE
static void count_signal(int number)
{
    (void)number;
    signals = signals + 1;
}

static void count_signals(void)
{
    ck_assert(signal(SIGPIPE, count_signal) != SIG_ERR);
}
#else
/* There is no such signal on Windows. */
static void count_signals(void)
{
}
#endif

START_TEST(writing_where_nothing_can_be_sent_raises_no_signal)
{
    char x = 'x';
    struct minimio_slice slice = {&x, 1};
    enum minimio_shutdown how = _i == 0 ? MINIMIO_SHUTDOWN_WRITE : MINIMIO_SHUTDOWN_BOTH;

    count_signals();
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, how), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(minimio_tcp_stream_write(pair.stream, &x, 1), -EPIPE);
        ck_assert_int_eq(minimio_tcp_stream_write_vectored(pair.stream, &slice, 1), -EPIPE);
    }
    ck_assert_int_eq(signals, 0);
}
END_TEST

/* Windows goes on telling it. */
static bool is_reset_told_again(ssize_t result)
{
    return strcmp(minimio_backend(), "windows") == 0 && result == -ECONNRESET;
}

START_TEST(after_a_reset_calls_tell_it_once)
{
    char byte;
    ssize_t r;

    peer_resets();
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    struct minimio_event event = await_flag(1, minimio_event_is_read_closed);
    ck_assert(minimio_event_is_error(&event));
    /* Wine's server reads the error off the socket beneath, so that the next call finds an end there. */
    ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, &byte, 1), is_wine() ? 0 : -ECONNRESET);
    r = minimio_tcp_stream_read(pair.stream, &byte, 1);
    ck_assert(r == 0 || is_reset_told_again(r));
    r = minimio_tcp_stream_write(pair.stream, &byte, 1);
    ck_assert(r == -EPIPE || is_reset_told_again(r));
    ck_assert_int_eq(minimio_tcp_stream_take_error(pair.stream), 0);
    ck_assert_int_eq(minimio_tcp_stream_finish_connect(pair.stream), 0);
    assert_quiet();
}
END_TEST

Suite *library_ends_suite(void)
{
    Suite *suite = suite_create("library_ends");
    TCase *tests = tcase_create("ends");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, an_end_is_told_in_every_mode_whatever_the_interest, 0, CASES);
    tcase_add_loop_test(tests, an_end_that_was_there_before_is_told_to_who_registers, 0, CASES);
    tcase_add_loop_test(tests, an_end_is_told_again_to_who_reregisters, 0, CASES);
    tcase_add_loop_test(tests, what_was_sent_before_the_end_is_read_first, 0, 2);
    tcase_add_loop_test(tests, writing_where_nothing_can_be_sent_raises_no_signal, 0, 2);
    tcase_add_test(tests, after_a_reset_calls_tell_it_once);
    suite_add_tcase(suite, tests);
    return suite;
}
