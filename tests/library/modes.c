/* SPDX-License-Identifier: MIT */
/* The three modes, each against how much of what came is read, and the changes from one to another. */
#include "tests/library/support.h"

#include <errno.h>

Suite *library_modes_suite(void);

static const enum minimio_mode modes[] = {MINIMIO_ONESHOT, MINIMIO_EDGE, MINIMIO_LEVEL};

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

static void add(minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, token, interests, mode), 0);
}

static void change(minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, token, interests, mode), 0);
}

static void assert_readable(minimio_token token)
{
    struct minimio_event event = await_event();

    ck_assert_uint_eq(minimio_event_id(&event), token);
    ck_assert(minimio_event_is_readable(&event));
}

static void read_bytes(size_t count)
{
    char bytes[8];

    if (count > 0)
        ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, bytes, count), (ssize_t)count);
}

/* Four bytes came and were reported; some of them are read: 0, 1 or all. Is there another event of them? */
START_TEST(a_rest_that_was_not_read_is_reported_under_level_alone)
{
    enum minimio_mode mode = modes[_i / 3];
    size_t read = (size_t[]){0, 1, 4}[_i % 3];

    add(1, MINIMIO_READABLE, mode);
    send_text(pair.peer, "four");
    assert_readable(1);
    read_bytes(read);
    if (mode == MINIMIO_LEVEL && read < 4)
        for (int i = 0; i < 3; i++)
            assert_readable(1);
    else
        assert_quiet();
}
END_TEST

START_TEST(what_comes_after_it_is_reported_but_under_a_fired_oneshot)
{
    enum minimio_mode mode = modes[_i / 3];
    size_t read = (size_t[]){0, 1, 4}[_i % 3];

    add(1, MINIMIO_READABLE, mode);
    send_text(pair.peer, "four");
    assert_readable(1);
    read_bytes(read);
    if (mode == MINIMIO_EDGE && edge_awaits_the_end)
        drain(pair.stream);
    send_text(pair.peer, "more");
    if (mode == MINIMIO_ONESHOT)
        assert_quiet();
    else
        assert_readable(1);
}
END_TEST

START_TEST(a_reregister_reports_the_rest_in_every_mode)
{
    enum minimio_mode mode = modes[_i / 3];
    size_t read = (size_t[]){0, 1, 4}[_i % 3];

    add(1, MINIMIO_READABLE, mode);
    send_text(pair.peer, "four");
    assert_readable(1);
    read_bytes(read);
    change(2, MINIMIO_READABLE, mode);
    if (read < 4)
        assert_readable(2);
    else
        assert_quiet();
}
END_TEST

START_TEST(modes_change_into_each_other)
{
    enum minimio_mode from = modes[_i / 3];
    enum minimio_mode to = modes[_i % 3];

    add(1, MINIMIO_READABLE, from);
    send_text(pair.peer, "four");
    assert_readable(1);
    change(2, MINIMIO_READABLE, to);
    assert_readable(2);
    if (to == MINIMIO_LEVEL)
        assert_readable(2);
    else
        assert_quiet();
    if (to == MINIMIO_EDGE && edge_awaits_the_end)
        drain(pair.stream);
    send_text(pair.peer, "more");
    if (to == MINIMIO_ONESHOT)
        assert_quiet();
    else
        assert_readable(2);
}
END_TEST

START_TEST(a_change_before_the_first_poll_counts)
{
    enum minimio_mode from = modes[_i / 3];
    enum minimio_mode to = modes[_i % 3];

    send_text(pair.peer, "four");
    add(1, MINIMIO_READABLE, from);
    change(2, MINIMIO_READABLE, to);
    assert_readable(2);
    if (to == MINIMIO_LEVEL)
        assert_readable(2);
    else
        assert_quiet();
}
END_TEST

START_TEST(a_oneshot_of_two_interests_fires_once_in_all)
{
    add(1, MINIMIO_READABLE | MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_writable(&event));
    send_text(pair.peer, "x");
    assert_quiet();
    change(2, MINIMIO_READABLE | MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    event = await_event();
    ck_assert_uint_eq(minimio_event_id(&event), 2);
    ck_assert(minimio_event_is_readable(&event));
    assert_quiet();
}
END_TEST

START_TEST(a_fired_oneshot_is_silent_even_at_a_hang_up)
{
    add(1, MINIMIO_READABLE, MINIMIO_ONESHOT);
    send_text(pair.peer, "x");
    assert_readable(1);
    pair_close_peer(&pair);
    assert_quiet();
    /* Wine tells of the peer's end only when there is nothing before it. */
    if (is_wine())
        drain(pair.stream);
    change(2, MINIMIO_READABLE, MINIMIO_ONESHOT);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_read_closed(&event));
}
END_TEST

START_TEST(a_fired_oneshot_is_still_registered)
{
    add(1, MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    await_event();
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 2, MINIMIO_WRITABLE, MINIMIO_ONESHOT),
                     -EEXIST);
    ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
    add(3, MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    ck_assert_uint_eq(await_event().token, 3);
}
END_TEST

START_TEST(edge_tells_when_there_is_room_again)
{
    fill(pair.stream);
    add(1, MINIMIO_WRITABLE, MINIMIO_EDGE);
    assert_quiet();
    char block[65536];
    struct minimio_event event;
    while (minimio_poll_poll(queue, &event, 1, 0) == 0)
        ck_assert_int_gt(recv(pair.peer, block, sizeof(block), 0), 0);
    ck_assert(minimio_event_is_writable(&event));
    ck_assert_int_gt(minimio_tcp_stream_write(pair.stream, "x", 1), 0);
}
END_TEST

Suite *library_modes_suite(void)
{
    Suite *suite = suite_create("library_modes");
    TCase *tests = tcase_create("modes");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_rest_that_was_not_read_is_reported_under_level_alone, 0, 9);
    tcase_add_loop_test(tests, what_comes_after_it_is_reported_but_under_a_fired_oneshot, 0, 9);
    tcase_add_loop_test(tests, a_reregister_reports_the_rest_in_every_mode, 0, 9);
    tcase_add_loop_test(tests, modes_change_into_each_other, 0, 9);
    tcase_add_loop_test(tests, a_change_before_the_first_poll_counts, 0, 9);
    tcase_add_test(tests, a_oneshot_of_two_interests_fires_once_in_all);
    tcase_add_test(tests, a_fired_oneshot_is_silent_even_at_a_hang_up);
    tcase_add_test(tests, a_fired_oneshot_is_still_registered);
    tcase_add_test(tests, edge_tells_when_there_is_room_again);
    suite_add_tcase(suite, tests);
    return suite;
}
