/* SPDX-License-Identifier: MIT */
/* What other threads do while a poll is surely blocked: it is seen to wait before they begin. */
#include "tests/library/support.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

Suite *library_blocked_suite(void);

/* A thread in one poll. */
struct waiter {
    pthread_t thread;
    int64_t timeout_ns;
    atomic_int id; /* the system's; 0: not yet about to poll */
    struct minimio_event events[4];
    int result;
    int64_t took_ns;
};

static struct waiter waiter;
static struct pair pair;

static int thread_id(void)
{
#ifdef __linux__
    return (int)syscall(SYS_gettid);
#else
    return 1;
#endif
}

/* Or gone, its short wait over? Elsewhere than on Linux whether it waits already is left to chance. */
static bool is_asleep(int id)
{
#ifdef __linux__
    char path[64], state = '?';
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
    FILE *file = fopen(path, "re");
    if (!file)
        return true;
    bool is_there = fscanf(file, "%*d (%*[^)]) %c", &state) == 1;
    fclose(file);
    return !is_there || state == 'S';
#else
    return id != 0;
#endif
}

static void *wait_once(void *unused)
{
    int64_t start = now_ns();

    (void)unused;
    atomic_store(&waiter.id, thread_id());
    waiter.result = minimio_poll_poll(queue, waiter.events, 4, waiter.timeout_ns);
    waiter.took_ns = now_ns() - start;
    return NULL;
}

static void start_waiting(int64_t timeout_ns)
{
    waiter.timeout_ns = timeout_ns;
    atomic_store(&waiter.id, 0);
    ck_assert_int_eq(pthread_create(&waiter.thread, NULL, wait_once, NULL), 0);
    while (atomic_load(&waiter.id) == 0 || !is_asleep(atomic_load(&waiter.id)))
        sched_yield();
}

static void assert_wait_gave(int expected)
{
    ck_assert_int_eq(pthread_join(waiter.thread, NULL), 0);
    ck_assert_int_eq(waiter.result, expected);
}

static void assert_wait_gave_token(minimio_token token)
{
    assert_wait_gave(1);
    ck_assert_uint_eq(minimio_event_id(&waiter.events[0]), token);
}

static void add(minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, token, interests, mode), 0);
}

static void change(minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, token, interests, mode), 0);
}

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

START_TEST(what_is_registered_ready_ends_it)
{
    send_text(pair.peer, "x");
    start_waiting(MINIMIO_FOREVER);
    add(1, MINIMIO_READABLE, (enum minimio_mode)_i);
    assert_wait_gave_token(1);
}
END_TEST

START_TEST(what_is_registered_and_becomes_ready_ends_it)
{
    start_waiting(MINIMIO_FOREVER);
    add(1, MINIMIO_READABLE, (enum minimio_mode)_i);
    send_text(pair.peer, "x");
    assert_wait_gave_token(1);
}
END_TEST

START_TEST(what_is_reregistered_ends_it_under_its_new_token)
{
    add(1, MINIMIO_READABLE, (enum minimio_mode)_i);
    start_waiting(MINIMIO_FOREVER);
    change(2, MINIMIO_WRITABLE, (enum minimio_mode)_i);
    assert_wait_gave_token(2);
    ck_assert(minimio_event_is_writable(&waiter.events[0]));
    ck_assert(!minimio_event_is_readable(&waiter.events[0]));
}
END_TEST

START_TEST(a_fired_oneshot_that_is_armed_again_ends_it)
{
    add(1, MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    await_event();
    start_waiting(MINIMIO_FOREVER);
    change(1, MINIMIO_WRITABLE, MINIMIO_ONESHOT);
    assert_wait_gave_token(1);
}
END_TEST

START_TEST(what_is_deregistered_does_not)
{
    add(1, MINIMIO_READABLE, (enum minimio_mode)_i);
    start_waiting(MINIMIO_FOREVER);
    ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
    send_text(pair.peer, "x");
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    assert_wait_gave(0);
}
END_TEST

START_TEST(a_stream_that_is_freed_does_not)
{
    add(1, MINIMIO_READABLE, MINIMIO_LEVEL);
    start_waiting(MINIMIO_FOREVER);
    pair.stream = minimio_tcp_stream_free(pair.stream);
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    assert_wait_gave(0);
}
END_TEST

START_TEST(changes_do_not_shorten_it)
{
    start_waiting(10 * A_MOMENT);
    for (int i = 0; i < 10; i++) {
        add(1, MINIMIO_READABLE, (enum minimio_mode)(i % 3));
        change(2, MINIMIO_READABLE, (enum minimio_mode)(i % 2));
        ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
    }
    assert_wait_gave(0);
    ck_assert_int_ge(waiter.took_ns, 10 * A_MOMENT);
}
END_TEST

START_TEST(a_wake_ends_it_once)
{
    for (int i = 0; i < 20; i++) {
        start_waiting(MINIMIO_FOREVER);
        ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
        assert_wait_gave(0);
    }
    start_waiting(A_MOMENT);
    assert_wait_gave(0);
    ck_assert_int_ge(waiter.took_ns, A_MOMENT);
}
END_TEST

START_TEST(closing_the_loop_ends_it)
{
    add(1, MINIMIO_READABLE, MINIMIO_LEVEL);
    start_waiting(MINIMIO_FOREVER);
    ck_assert_int_eq(minimio_registrator_close_loop(registrator), 0);
    assert_wait_gave(-ECANCELED);
    send_text(pair.peer, "x");
    ck_assert_int_eq(minimio_poll_poll(queue, waiter.events, 4, MINIMIO_FOREVER), -ECANCELED);
    ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
}
END_TEST

START_TEST(events_that_came_before_the_closing_are_returned)
{
    add(1, MINIMIO_READABLE, (enum minimio_mode)_i);
    start_waiting(MINIMIO_FOREVER);
    send_text(pair.peer, "x");
    ck_assert_int_eq(minimio_registrator_close_loop(registrator), 0);
    assert_wait_gave_token(1);
    ck_assert_int_eq(minimio_poll_poll(queue, waiter.events, 4, MINIMIO_FOREVER), -ECANCELED);
}
END_TEST

Suite *library_blocked_suite(void)
{
    Suite *suite = suite_create("library_blocked");
    TCase *tests = tcase_create("a blocked poll");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_is_registered_ready_ends_it, 0, 3);
    tcase_add_loop_test(tests, what_is_registered_and_becomes_ready_ends_it, 0, 3);
    tcase_add_loop_test(tests, what_is_reregistered_ends_it_under_its_new_token, 0, 3);
    tcase_add_test(tests, a_fired_oneshot_that_is_armed_again_ends_it);
    tcase_add_loop_test(tests, what_is_deregistered_does_not, 0, 3);
    tcase_add_test(tests, a_stream_that_is_freed_does_not);
    tcase_add_test(tests, changes_do_not_shorten_it);
    tcase_add_test(tests, a_wake_ends_it_once);
    tcase_add_test(tests, closing_the_loop_ends_it);
    tcase_add_loop_test(tests, events_that_came_before_the_closing_are_returned, 0, 3);
    suite_add_tcase(suite, tests);
    return suite;
}
