/* SPDX-License-Identifier: MIT */
/* Poll: timeouts, capacity, readiness of descriptors of all kinds. */
#include "tests/library/support.h"

#include <errno.h>
#ifndef _WIN32
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *library_poll_suite(void);

#define NO_SIGNALS "there are no signals; asynchronous procedure calls are tested in their place"
#define NO_PIPES   "what is no socket cannot be waited for"

/* How long an empty poll with this timeout takes. */
static int64_t empty_poll(int64_t timeout_ns)
{
    struct minimio_event event;
    int64_t start = now_ns();

    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, timeout_ns), 0);
    return now_ns() - start;
}

START_TEST(an_empty_poll_honours_its_timeout)
{
    ck_assert_int_ge(empty_poll(30 * MS), 30 * MS);
    empty_poll(0);
}
END_TEST

#define LANDINGS_MAX 2000

/* A busy machine may delay a single wait for any time, so many are tried. A timeout that is rounded up to milliseconds
 * is late each time. */
START_TEST(short_timeouts_are_never_early_and_land_close)
{
    static const int64_t timeouts[] = {100000, 3100000};
    int64_t timeout = timeouts[_i], least = INT64_MAX;

    for (int i = 0; i < LANDINGS_MAX && (i < 20 || least >= lateness_max_ns); i++) {
        int64_t late = empty_poll(timeout) - timeout;
        ck_assert_int_ge(late, 0);
        least = late < least ? late : least;
    }
    ck_assert_int_lt(least, lateness_max_ns);
}
END_TEST

START_TEST(a_zero_timeout_still_collects)
{
    minimio_fd fds[2];
    struct minimio_event event;

    connected_pair(fds);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[0], 7, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    send_text(fds[1], "x");
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, 0), 1);
    ck_assert_uint_eq(minimio_event_id(&event), 7);
    ck_assert(minimio_event_is_readable(&event));
    ck_assert(!minimio_event_is_writable(&event));
    close_all(fds, 2);
}
END_TEST

START_TEST(a_capacity_of_nothing_is_refused)
{
    struct minimio_event event;

    ck_assert_int_eq(minimio_poll_poll(queue, &event, 0, 0), -EINVAL);
    ck_assert_int_eq(minimio_registrator_close_loop(registrator), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 0, 0), -EINVAL);
}
END_TEST

START_TEST(two_thousand_queues_leak_no_descriptor)
{
    int before = open_descriptors();
    struct pair pair;

    pair_open(&pair);
    for (int i = 0; i < 2000; i++) {
        struct minimio_poll *other;
        ck_assert_int_eq(minimio_poll_new(&other), 0);
        struct minimio_registrator *handle = minimio_poll_registrator(other);
        ck_assert_int_eq(minimio_registrator_register(handle, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
        minimio_poll_free(other);
        minimio_registrator_free(handle);
    }
    ck_assert_int_eq(open_descriptors(), before + 2);
    pair_close(&pair);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

#ifdef _WIN32
ABSENT_TEST(signals_neither_fail_nor_shorten_a_wait, "windows", NO_SIGNALS)
#else
static volatile sig_atomic_t alarms;

static void count_alarm(int signal_number)
{
    (void)signal_number;
    alarms = alarms + 1;
}

START_TEST(signals_neither_fail_nor_shorten_a_wait)
{
    struct sigaction action = {.sa_handler = count_alarm};
    struct itimerval every_5_ms = {.it_interval.tv_usec = 5000, .it_value.tv_usec = 5000};
    struct itimerval never = {0};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every_5_ms, NULL);
    int64_t took = empty_poll(60 * MS);
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_int_ge(took, 60 * MS);
    ck_assert_int_gt(alarms, 0);
}
END_TEST
#endif

START_TEST(the_longest_timeout_works)
{
    minimio_fd fd = trigger_new(true);
    struct minimio_event event;

    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, INT64_MAX), 0);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, INT64_MAX), 1);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, MINIMIO_FOREVER), 1);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, INT64_MIN), 1);
    trigger_free(fd);
}
END_TEST

START_TEST(a_capacity_above_int_max_works)
{
    size_t capacity = (size_t)INT32_MAX + 10;
    struct minimio_event *events = reserve_events(capacity);

    if (!events) {
        printf("library: no address space for a capacity above INT_MAX\n");
        return;
    }
    minimio_fd fd = trigger_new(true);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, events, capacity, PLENTY), 1);
    ck_assert_uint_eq(minimio_event_id(&events[0]), 1);
    trigger_free(fd);
    release_events(events, capacity);
}
END_TEST

#define CROWD 100

static void make_crowd(minimio_fd fds[CROWD], enum minimio_mode mode)
{
    for (int i = 0; i < CROWD; i++) {
        fds[i] = trigger_new(true);
        ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[i], (minimio_token)i, MINIMIO_READABLE, mode),
                         0);
    }
}

static void close_crowd(const minimio_fd fds[CROWD])
{
    for (int i = 0; i < CROWD; i++)
        trigger_free(fds[i]);
}

START_TEST(what_does_not_fit_comes_next_and_nothing_past_the_capacity_is_touched)
{
    minimio_fd fds[CROWD];
    int seen[CROWD] = {0};
    struct minimio_event events[8];
    struct minimio_event guard;

    memset(&guard, 0x5a, sizeof(guard));
    make_crowd(fds, MINIMIO_EDGE);
    for (int total = 0; total < CROWD;) {
        events[7] = guard;
        int count = minimio_poll_poll(queue, events, 7, PLENTY);
        ck_assert_int_gt(count, 0);
        ck_assert_int_le(count, 7);
        ck_assert_mem_eq(&events[7], &guard, sizeof(guard));
        for (int i = 0; i < count; i++)
            seen[minimio_event_id(&events[i])]++;
        total += count;
    }
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_eq(seen[i], 1);
    assert_quiet();
    close_crowd(fds);
}
END_TEST

START_TEST(no_source_starves)
{
    minimio_fd fds[CROWD];
    int seen[CROWD] = {0};
    struct minimio_event events[7];

    make_crowd(fds, MINIMIO_LEVEL);
    for (int round = 0; round < 10 * CROWD; round++) {
        int count = minimio_poll_poll(queue, events, 7, PLENTY);
        for (int i = 0; i < count; i++)
            seen[minimio_event_id(&events[i])]++;
    }
    for (int i = 0; i < CROWD; i++)
        ck_assert_int_ge(seen[i], 60); /* 70, taken in turns */
    close_crowd(fds);
}
END_TEST

START_TEST(a_hundred_sockets_in_random_order_are_an_event_each)
{
    minimio_fd fds[CROWD][2];
    int order[CROWD];
    int seen[CROWD] = {0};
    struct minimio_event events[CROWD];

    srand(11);
    for (int i = 0; i < CROWD; i++) {
        connected_pair(fds[i]);
        int place = rand() % (i + 1);
        order[i] = order[place];
        order[place] = i;
        ck_assert_int_eq(
            minimio_registrator_register_fd(registrator, fds[i][0], (minimio_token)i, MINIMIO_READABLE, MINIMIO_EDGE),
            0);
    }
    for (int i = 0; i < CROWD; i++)
        send_text(fds[order[i]][1], "x");
    ck_assert_int_eq(minimio_poll_poll(queue, events, CROWD, PLENTY), CROWD);
    for (int i = 0; i < CROWD; i++)
        seen[minimio_event_id(&events[i])]++;
    for (int i = 0; i < CROWD; i++) {
        ck_assert_int_eq(seen[i], 1);
        close_all(fds[i], 2);
    }
}
END_TEST

#ifdef _WIN32
ABSENT_TEST(a_nested_queue_is_ready_when_it_has_events, "windows", "a queue has no descriptor of its own")
#else
START_TEST(a_nested_queue_is_ready_when_it_has_events)
{
    struct minimio_poll *inner;
    struct minimio_event event;
    int fd = eventfd(0, EFD_CLOEXEC);

    ck_assert_int_eq(minimio_poll_new(&inner), 0);
    struct minimio_registrator *handle = minimio_poll_registrator(inner);
    ck_assert_int_eq(minimio_registrator_register_fd(handle, fd, 5, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    ck_assert_int_eq(
        minimio_registrator_register_fd(registrator, minimio_poll_fd(inner), 6, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    assert_quiet();
    ck_assert_int_eq(eventfd_write(fd, 1), 0);
    event = await_event();
    ck_assert_uint_eq(minimio_event_id(&event), 6);
    ck_assert(minimio_event_is_readable(&event));
    ck_assert_int_eq(minimio_poll_poll(inner, &event, 1, 0), 1);
    ck_assert_uint_eq(minimio_event_id(&event), 5);
    assert_quiet();
    minimio_registrator_free(handle);
    minimio_poll_free(inner);
    close(fd);
}
END_TEST
#endif

#ifdef _WIN32
ABSENT_TEST(queues_are_nested_neither_in_a_circle_nor_too_deep, "windows", "a queue has no descriptor of its own")
#else
#define DEPTH 12

START_TEST(queues_are_nested_neither_in_a_circle_nor_too_deep)
{
    struct minimio_poll *queues[DEPTH];
    struct minimio_registrator *handles[DEPTH];
    int depth = 0, r = 0;

    for (int i = 0; i < DEPTH; i++) {
        ck_assert_int_eq(minimio_poll_new(&queues[i]), 0);
        handles[i] = minimio_poll_registrator(queues[i]);
    }
    for (int i = 1; i < DEPTH && r == 0; i++) {
        int inner = minimio_poll_fd(queues[i - 1]);
        r = inner < 0 ? inner : minimio_registrator_register_fd(handles[i], inner, 1, MINIMIO_READABLE, MINIMIO_LEVEL);
        depth += r == 0;
    }
    if (strcmp(minimio_backend(), "epoll") == 0) {
        ck_assert_int_eq(r, -ELOOP);
        ck_assert_int_eq(depth, 2);
        ck_assert_int_eq(
            minimio_registrator_register_fd(handles[0], minimio_poll_fd(queues[1]), 1, MINIMIO_READABLE, MINIMIO_LEVEL),
            -ELOOP);
    }
    for (int i = DEPTH; i-- > 0;) {
        minimio_registrator_free(handles[i]);
        minimio_poll_free(queues[i]);
    }
}
END_TEST
#endif

#ifdef _WIN32
ABSENT_TEST(a_pipe_whose_reader_is_gone_is_write_closed, "windows", NO_PIPES)
#else
START_TEST(a_pipe_whose_reader_is_gone_is_write_closed)
{
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[1], 1, MINIMIO_WRITABLE, MINIMIO_EDGE), 0);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_writable(&event));
    ck_assert(!minimio_event_is_write_closed(&event));
    close(fds[0]);
    event = await_event();
    ck_assert(minimio_event_is_write_closed(&event));
    ck_assert(minimio_event_is_error(&event));
    ck_assert(!minimio_event_is_read_closed(&event));
    close(fds[1]);
}
END_TEST
#endif

#ifdef _WIN32
ABSENT_TEST(a_pipe_whose_writer_is_gone_is_read_closed, "windows", NO_PIPES)
#else
START_TEST(a_pipe_whose_writer_is_gone_is_read_closed)
{
    int fds[2];

    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[0], 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    assert_quiet();
    close(fds[1]);
    struct minimio_event event = await_event();
    ck_assert(minimio_event_is_read_closed(&event));
    ck_assert(minimio_event_is_readable(&event));
    ck_assert(!minimio_event_is_error(&event));
    close(fds[0]);
}
END_TEST
#endif

START_TEST(a_never_connected_socket_is_not_closed)
{
    static const minimio_interests interests[] = {MINIMIO_READABLE, MINIMIO_WRITABLE};

    SKIP_ON("windows", "nothing is told of a socket that nobody has connected");
    for (size_t i = 0; i < 2; i++) {
        minimio_fd fd = open_socket(AF_INET, false);
        ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 1, interests[i], MINIMIO_ONESHOT), 0);
        if (strcmp(minimio_backend(), "kqueue") == 0) {
            assert_quiet(); /* there it has no event at all */
        } else {
            struct minimio_event event = await_event();
            ck_assert(!minimio_event_is_read_closed(&event));
            ck_assert(!minimio_event_is_write_closed(&event));
            ck_assert(minimio_event_is_readable(&event) || minimio_event_is_writable(&event));
        }
        close_fd(fd);
    }
}
END_TEST

START_TEST(interests_and_backend_can_be_asked_for)
{
    ck_assert(minimio_interests_is_readable(MINIMIO_READABLE | MINIMIO_PRIORITY));
    ck_assert(!minimio_interests_is_readable(MINIMIO_WRITABLE));
    ck_assert(minimio_interests_is_writable(MINIMIO_WRITABLE));
    ck_assert(!minimio_interests_is_writable(MINIMIO_PRIORITY));
    ck_assert(minimio_interests_is_priority(MINIMIO_PRIORITY));
    ck_assert(!minimio_interests_is_priority(MINIMIO_READABLE | MINIMIO_WRITABLE));
    ck_assert_str_eq(minimio_backend(), EXPECTED_BACKEND);
}
END_TEST

#ifdef _WIN32
ABSENT_TEST(the_queue_s_descriptors_are_closed_on_exec, "windows",
            "a queue has no descriptor of its own; handles are not inherited")
#else
START_TEST(the_queue_s_descriptors_are_closed_on_exec)
{
    for (int fd = 3; fd < 64; fd++) {
        char path[64], target[64] = "";
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (readlink(path, target, sizeof(target) - 1) > 0 && strncmp(target, "anon_inode:[event", 17) == 0)
            ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
    ck_assert_int_eq(fcntl(minimio_poll_fd(queue), F_GETFD), FD_CLOEXEC);
}
END_TEST
#endif

START_TEST(a_selector_waits_once)
{
    struct minimio_selector *selector;
    struct minimio_event event;
    minimio_fd fd = trigger_new(true);

    ck_assert_int_eq(minimio_selector_new(&selector), 0);
    struct minimio_registrator *handle = minimio_selector_registrator(selector);
    ck_assert_int_eq(minimio_selector_select(selector, &event, 0, 0), -EINVAL);
    ck_assert_int_eq(minimio_selector_select(selector, &event, 1, 1 * MS), 0);
    ck_assert_int_eq(minimio_registrator_register_fd(handle, fd, 3, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    ck_assert_int_eq(minimio_selector_select(selector, &event, 1, PLENTY), 1);
    ck_assert_uint_eq(minimio_event_id(&event), 3);
    ck_assert_int_eq(minimio_registrator_wake(handle), 0);
    ck_assert_int_eq(minimio_selector_select(selector, &event, 1, MINIMIO_FOREVER), 0);
    ck_assert_int_eq(minimio_registrator_close_loop(handle), 0);
    ck_assert_int_eq(minimio_selector_select(selector, &event, 1, MINIMIO_FOREVER), -ECANCELED);
    ck_assert_ptr_null(minimio_selector_free(selector));
    ck_assert_ptr_null(minimio_selector_free(NULL));
    minimio_registrator_free(handle);
    trigger_free(fd);
}
END_TEST

#ifdef _WIN32
ABSENT_TEST(a_signal_ends_a_selector_s_wait, "windows", NO_SIGNALS)
#else
START_TEST(a_signal_ends_a_selector_s_wait)
{
    struct sigaction action = {.sa_handler = count_alarm};
    struct itimerval in_5_ms = {.it_interval.tv_usec = 5000, .it_value.tv_usec = 5000};
    struct itimerval never = {0};
    struct minimio_selector *selector;
    struct minimio_event event;

    ck_assert_int_eq(minimio_selector_new(&selector), 0);
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &in_5_ms, NULL);
    int r = minimio_selector_select(selector, &event, 1, PLENTY);
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_int_eq(r, -EINTR);
    minimio_selector_free(selector);
}
END_TEST
#endif

Suite *library_poll_suite(void)
{
    Suite *suite = suite_create("library_poll");
    TCase *tests = tcase_create("poll");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up_queue, tear_down_queue);
    tcase_add_test(tests, an_empty_poll_honours_its_timeout);
    tcase_add_loop_test(tests, short_timeouts_are_never_early_and_land_close, 0, 2);
    tcase_add_test(tests, a_zero_timeout_still_collects);
    tcase_add_test(tests, a_capacity_of_nothing_is_refused);
    tcase_add_test(tests, two_thousand_queues_leak_no_descriptor);
    tcase_add_test(tests, signals_neither_fail_nor_shorten_a_wait);
    tcase_add_test(tests, the_longest_timeout_works);
    tcase_add_test(tests, a_capacity_above_int_max_works);
    tcase_add_test(tests, what_does_not_fit_comes_next_and_nothing_past_the_capacity_is_touched);
    tcase_add_test(tests, no_source_starves);
    tcase_add_test(tests, a_hundred_sockets_in_random_order_are_an_event_each);
    tcase_add_test(tests, a_nested_queue_is_ready_when_it_has_events);
    tcase_add_test(tests, queues_are_nested_neither_in_a_circle_nor_too_deep);
    tcase_add_test(tests, a_pipe_whose_reader_is_gone_is_write_closed);
    tcase_add_test(tests, a_pipe_whose_writer_is_gone_is_read_closed);
    tcase_add_test(tests, a_never_connected_socket_is_not_closed);
    tcase_add_test(tests, interests_and_backend_can_be_asked_for);
    tcase_add_test(tests, the_queue_s_descriptors_are_closed_on_exec);
    tcase_add_test(tests, a_selector_waits_once);
    tcase_add_test(tests, a_signal_ends_a_selector_s_wait);
    suite_add_tcase(suite, tests);
    return suite;
}
