/* SPDX-License-Identifier: MIT */
/*
 * Under LEVEL, what nobody asked for keeps nothing ready: every interest against every end of a connection, with room
 * to write and without. And who asks for the closed flags alone is told of nothing else.
 */
#include "tests/library/skips.h"
#include "tests/library/support.h"

#include <errno.h>
#include <string.h>

Suite *library_hang_ups_suite(void);

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

/* ---- Ends ------------------------------------------------------------------------------------------------------- */

static void peer_ends(void)
{
    ck_assert_int_eq(shutdown(pair.peer, SHUT_WR), 0);
}

static void own_reading_ends(void)
{
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_READ), 0);
}

static void own_writing_ends(void)
{
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_WRITE), 0);
}

static void own_both_end(void)
{
    ck_assert_int_eq(minimio_tcp_stream_shutdown(pair.stream, MINIMIO_SHUTDOWN_BOTH), 0);
}

static void all_ends(void)
{
    peer_ends();
    own_both_end();
}

static void peer_resets(void)
{
    reset_on_close(pair.peer);
    pair_close_peer(&pair);
}

static const struct {
    const char *name;
    void (*happen)(void);
    bool is_read_closed, is_write_closed;
} ends[] = {
    {"the peer ends", peer_ends, true, false},
    {"own reading ends", own_reading_ends, true, false},
    {"own writing ends", own_writing_ends, false, false},
    {"both end", own_both_end, true, true},
    {"all ends", all_ends, true, true},
    {"the peer resets", peer_resets, true, true},
};

#define ENDS      ((int)(sizeof(ends) / sizeof(ends[0])))
#define INTERESTS 15
#define CASES     (ENDS * INTERESTS * 2)

static minimio_interests nth_interests(int n)
{
    return (minimio_interests)((n & 7) | (n & 8 ? MINIMIO_CLOSED : 0));
}

/* ---- What was asked for ----------------------------------------------------------------------------------------- */

static bool is_asked_for(const struct minimio_event *event, minimio_interests interests)
{
    bool reader = minimio_interests_is_readable(interests), writer = minimio_interests_is_writable(interests);
    bool closed = minimio_interests_is_closed(interests);

    return (reader && minimio_event_is_readable(event)) || (writer && minimio_event_is_writable(event)) ||
           (minimio_interests_is_priority(interests) && minimio_event_is_priority(event)) ||
           ((reader || closed) && minimio_event_is_read_closed(event)) ||
           ((writer || closed) && minimio_event_is_write_closed(event));
}

/* False: the backend has no such interest, which is to be documented. */
static bool add(minimio_interests interests, enum minimio_mode mode)
{
    int r = minimio_registrator_register(registrator, pair.stream, 1, interests, mode);

    if (r == -ENOTSUP &&
        ((minimio_interests_is_closed(interests) &&
          skip_on("kqueue", "library_hang_ups, of the closed flags alone",
                  "EVFILT_READ and EVFILT_WRITE tell of data and room too")) ||
         skip_on("kqueue", "library_hang_ups, of priority", "FreeBSD and NetBSD have no EVFILT_EXCEPT")))
        return false;
    ck_assert_int_eq(r, 0);
    return true;
}

/* Polls until nothing comes, or only what was asked for any more. */
static bool comes_to_rest(minimio_interests interests)
{
    struct minimio_event event;
    int asked_for = 0;

    for (int i = 0; i < 30 && asked_for < 10; i++) {
        int count = minimio_poll_poll(queue, &event, 1, A_MOMENT);
        ck_assert_int_ge(count, 0);
        if (count == 0)
            return true;
        asked_for = is_asked_for(&event, interests) ? asked_for + 1 : 0;
    }
    return asked_for == 10;
}

START_TEST(what_nobody_asked_for_keeps_nothing_ready)
{
    int end = _i % ENDS;
    bool is_full = _i / ENDS % 2 == 1;
    minimio_interests interests = nth_interests(_i / ENDS / 2 + 1);

    if (is_full)
        fill(pair.stream);
    ends[end].happen();
    if (!add(interests, MINIMIO_LEVEL))
        return;
    ck_assert_msg(comes_to_rest(interests), "%s, interests %#x, %s", ends[end].name, interests,
                  is_full ? "without room" : "with room");
    /* Registered anew it is told anew. */
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 1, interests, MINIMIO_LEVEL), 0);
    ck_assert(comes_to_rest(interests));
}
END_TEST

/* ---- Told once, and then again with what was asked for ------------------------------------------------------------
 */

START_TEST(a_writer_without_room_is_told_the_end_once_and_then_of_room)
{
    SKIP_ON("kqueue", "EVFILT_WRITE tells of the sending direction alone");
    fill(pair.stream);
    ck_assert(add(MINIMIO_WRITABLE, MINIMIO_LEVEL));
    assert_quiet();
    if (_i == 0)
        peer_ends();
    else
        own_reading_ends();
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_read_closed(&event));
    ck_assert(!minimio_event_is_writable(&event));
    for (int i = 0; i < 3; i++)
        assert_quiet();
    /* Room comes when the peer reads: for as long as there is, the event repeats. */
    char block[65536];
    while (minimio_poll_poll(queue, &event, 1, 0) == 0)
        ck_assert_int_gt(recv(pair.peer, block, sizeof(block), 0), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert(minimio_event_is_writable(&event));
        event = await_event();
    }
    if (strcmp(minimio_backend(), "epoll") == 0)
        ck_assert(minimio_event_is_read_closed(&event));
    /* The other end comes to one that was told of this one. */
    own_both_end();
    await_flag(1, minimio_event_is_write_closed);
}
END_TEST

/* ---- Closed flags alone -------------------------------------------------------------------------------------------
 */

START_TEST(who_asks_for_closed_flags_hears_of_nothing_else)
{
    enum minimio_mode mode = (enum minimio_mode)(_i % 3);
    int end = _i / 3;

    if (!add(MINIMIO_CLOSED, mode))
        return;
    assert_quiet();
    send_text(pair.peer, "data");
    fill(pair.stream);
    assert_quiet();
    send_text(pair.peer, "more");
    assert_quiet();
    ck_assert_uint_eq(drain(pair.stream), 8);
    ends[end].happen();
    if (!ends[end].is_read_closed) {
        assert_quiet();
        return;
    }
    struct minimio_event event = await_flag(1, minimio_event_is_read_closed);
    if (ends[end].is_write_closed && !minimio_event_is_write_closed(&event) && mode != MINIMIO_ONESHOT)
        await_flag(1, minimio_event_is_write_closed);
    if (mode == MINIMIO_ONESHOT) {
        assert_quiet();
        ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 2, MINIMIO_CLOSED, mode), 0);
        await_flag(2, minimio_event_is_read_closed);
    }
    for (int i = 0; i < 3 && mode == MINIMIO_LEVEL; i++)
        await_flag(1, minimio_event_is_read_closed);
}
END_TEST

START_TEST(closed_flags_go_with_any_interest)
{
    if (!add(MINIMIO_CLOSED | MINIMIO_READABLE, MINIMIO_LEVEL))
        return;
    assert_quiet();
    send_text(pair.peer, "x");
    await_flag(1, minimio_event_is_readable);
    ck_assert_uint_eq(drain(pair.stream), 1);
    assert_quiet();
    peer_ends();
    for (int i = 0; i < 3; i++)
        await_flag(1, minimio_event_is_read_closed);
}
END_TEST

Suite *library_hang_ups_suite(void)
{
    Suite *suite = suite_create("library_hang_ups");
    TCase *tests = tcase_create("hang-ups");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_nobody_asked_for_keeps_nothing_ready, 0, CASES);
    tcase_add_loop_test(tests, a_writer_without_room_is_told_the_end_once_and_then_of_room, 0, 2);
    tcase_add_loop_test(tests, who_asks_for_closed_flags_hears_of_nothing_else, 0, ENDS * 3);
    tcase_add_test(tests, closed_flags_go_with_any_interest);
    suite_add_tcase(suite, tests);
    return suite;
}
