/* SPDX-License-Identifier: MIT */
/* What the library may cost: a queue or a stream nothing that stays, an answer that is at hand no function call. */
#include "tests/library/support.h"

Suite *library_cost_suite(void);

/* ---- Leaks ------------------------------------------------------------------------------------------------------ */

/* The C library counts what it keeps for reuse, so a few more bytes are no leak: one a round would be. */
static void assert_no_leak(void (*use)(void *), void *argument, int rounds)
{
    use(argument);
    int descriptors = open_descriptors();
    size_t before = allocated_bytes();
    for (int i = 0; i < rounds; i++)
        use(argument);
    size_t after = allocated_bytes();
    ck_assert_msg(after < before + (size_t)rounds, "%zu bytes are left after %d rounds", after - before, rounds);
    ck_assert_int_eq(open_descriptors(), descriptors);
}

/* Where a round takes long, fewer of them. */
static int rounds_of(int many)
{
    if (is_wine())
        return many / 50;
    return is_slowed_down() ? many / 10 : many;
}

static void use_a_queue(void *stream)
{
    set_up_queue();
    ck_assert_int_eq(minimio_registrator_register(registrator, stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    tear_down_queue();
}

START_TEST(queues_leave_nothing_behind)
{
    struct pair pair;

    pair_open(&pair);
    assert_no_leak(use_a_queue, pair.stream, rounds_of(100000));
    pair_close(&pair);
}
END_TEST

static void use_a_stream(void *round)
{
    struct minimio_tcp_stream *stream;
    minimio_fd fds[2];

    connected_pair(fds);
    ck_assert_int_eq(minimio_tcp_stream_from_fd(fds[0], &stream), 0);
    ck_assert_int_eq(minimio_registrator_register(registrator, stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    if (++*(int *)round % 2 == 0)
        ck_assert_int_eq(minimio_registrator_deregister(registrator, stream), 0);
    minimio_tcp_stream_free(stream);
    close_fd(fds[1]);
}

START_TEST(streams_leave_nothing_behind)
{
    int round = 0;

    set_up_queue();
    assert_no_leak(use_a_stream, &round, rounds_of(20000));
    tear_down_queue();
}
END_TEST

/* ---- Answers in place ------------------------------------------------------------------------------------------- */

/* minimio.h gives the answers in place; by pointer they are the library's own. */
START_TEST(answers_in_place_are_the_library_s)
{
    static bool (*const volatile library[])(const struct minimio_event *) = {
        minimio_event_is_readable,     minimio_event_is_writable, minimio_event_is_read_closed,
        minimio_event_is_write_closed, minimio_event_is_error,    minimio_event_is_priority};
    minimio_token (*const volatile id)(const struct minimio_event *) = minimio_event_id;

    for (uint32_t readiness = 0; readiness < 64; readiness++) {
        struct minimio_event event = {.token = UINT64_MAX - readiness, .readiness = readiness};
        const bool in_place[] = {minimio_event_is_readable(&event),    minimio_event_is_writable(&event),
                                 minimio_event_is_read_closed(&event), minimio_event_is_write_closed(&event),
                                 minimio_event_is_error(&event),       minimio_event_is_priority(&event)};
        for (int i = 0; i < 6; i++)
            ck_assert_msg(library[i](&event) == in_place[i], "answer %d of readiness %#x", i, readiness);
        ck_assert_uint_eq(id(&event), minimio_event_id(&event));
    }
}
END_TEST

Suite *library_cost_suite(void)
{
    Suite *suite = suite_create("library_cost");
    TCase *tests = tcase_create("cost");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_test(tests, queues_leave_nothing_behind);
    tcase_add_test(tests, streams_leave_nothing_behind);
    tcase_add_test(tests, answers_in_place_are_the_library_s);
    suite_add_tcase(suite, tests);
    return suite;
}
