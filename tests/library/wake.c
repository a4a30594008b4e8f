/* SPDX-License-Identifier: MIT */
/* Waking and closing a queue: before a poll, during one, from threads and from signal handlers. */
#include "tests/library/support.h"

#include <errno.h>
#include <pthread.h>
#ifndef _WIN32
#include <signal.h>
#include <sys/time.h>
#endif

Suite *library_wake_suite(void);

static struct minimio_event events[8];

static int poll_for(int64_t timeout_ns)
{
    return minimio_poll_poll(queue, events, 8, timeout_ns);
}

static minimio_fd ready_fd(minimio_token token)
{
    minimio_fd fd = trigger_new(true);

    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, token, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    return fd;
}

START_TEST(a_wake_before_the_poll_is_remembered)
{
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(poll_for(MINIMIO_FOREVER), 0);
    assert_quiet();
}
END_TEST

START_TEST(three_wakes_are_one_early_return)
{
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(poll_for(MINIMIO_FOREVER), 0);
    int64_t start = now_ns();
    ck_assert_int_eq(poll_for(A_MOMENT), 0);
    ck_assert_int_ge(now_ns() - start, A_MOMENT);
}
END_TEST

START_TEST(a_zero_timeout_spends_a_wake)
{
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(poll_for(0), 0);
    int64_t start = now_ns();
    ck_assert_int_eq(poll_for(A_MOMENT), 0);
    ck_assert_int_ge(now_ns() - start, A_MOMENT);
}
END_TEST

START_TEST(a_wake_that_comes_with_events_is_spent_with_them)
{
    minimio_fd fd = ready_fd(1);

    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(poll_for(MINIMIO_FOREVER), 1);
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fd), 0);
    int64_t start = now_ns();
    ck_assert_int_eq(poll_for(A_MOMENT), 0);
    ck_assert_int_ge(now_ns() - start, A_MOMENT);
    trigger_free(fd);
}
END_TEST

START_TEST(a_wake_takes_no_slot_of_the_capacity)
{
    minimio_fd fds[3] = {ready_fd(0), ready_fd(1), ready_fd(2)};

    for (size_t capacity = 1; capacity <= 3; capacity++) {
        ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
        ck_assert_int_eq(minimio_poll_poll(queue, events, capacity, PLENTY), (int)capacity);
        for (size_t i = 1; i < capacity; i++)
            ck_assert_uint_ne(events[i].token, events[i - 1].token);
    }
    /* As many slots as events and one: no event comes twice to fill it. */
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, events, 4, PLENTY), 3);
    for (int i = 0; i < 3; i++)
        trigger_free(fds[i]);
}
END_TEST

/* Acts at once: whether before the poll or in it is left to chance. */
static void *wake_from_thread(void *unused)
{
    (void)unused;
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    return NULL;
}

static void *close_from_thread(void *unused)
{
    (void)unused;
    ck_assert_int_eq(minimio_registrator_close_loop(registrator), 0);
    return NULL;
}

START_TEST(a_wake_from_another_thread_ends_the_poll_and_then_it_is_quiet)
{
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, wake_from_thread, NULL), 0);
        ck_assert_int_eq(poll_for(MINIMIO_FOREVER), 0);
        pthread_join(thread, NULL);
    }
    assert_quiet();
}
END_TEST

START_TEST(closing_ends_the_poll_under_way_and_every_later_one)
{
    pthread_t thread;
    minimio_fd fd = ready_fd(1);

    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fd), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, close_from_thread, NULL), 0);
    ck_assert_int_eq(poll_for(MINIMIO_FOREVER), -ECANCELED);
    pthread_join(thread, NULL);
    ck_assert_int_eq(poll_for(MINIMIO_FOREVER), -ECANCELED);
    ck_assert_int_eq(poll_for(0), -ECANCELED);
    trigger_free(fd);
}
END_TEST

START_TEST(a_closed_queue_refuses_all_but_deregister)
{
    minimio_fd fd = ready_fd(1);

    ck_assert_int_eq(minimio_registrator_close_loop(registrator), 0);
    ck_assert_int_eq(minimio_registrator_close_loop(registrator), -ECANCELED);
    ck_assert_int_eq(minimio_registrator_wake(registrator), -ECANCELED);
    ck_assert_int_eq(poll_for(0), -ECANCELED); /* though there is an event */
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 1, MINIMIO_READABLE, MINIMIO_EDGE), -ECANCELED);
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fd, 1, MINIMIO_READABLE, MINIMIO_EDGE), -ECANCELED);
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fd), 0);
    struct minimio_registrator *another = minimio_poll_registrator(queue);
    ck_assert_ptr_nonnull(another);
    ck_assert_int_eq(minimio_registrator_close_loop(another), -ECANCELED);
    minimio_registrator_free(another);
    trigger_free(fd);
}
END_TEST

/* An event and the closing within one poll. */
static minimio_fd event_fd;

static void *event_and_close(void *unused)
{
    trigger_fire(event_fd);
    return close_from_thread(unused);
}

START_TEST(a_poll_under_way_when_both_came_returns_the_events)
{
    pthread_t thread;

    event_fd = trigger_new(false);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, event_fd, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, event_and_close, NULL), 0);
    int first = poll_for(MINIMIO_FOREVER);
    pthread_join(thread, NULL);
    /* Unless both came before the poll began: then it was not under way. */
    ck_assert(first == 1 || first == -ECANCELED);
    ck_assert_int_eq(poll_for(0), -ECANCELED);
    trigger_free(event_fd);
}
END_TEST

#ifdef _WIN32

#define NO_SIGNALS "there are no signals"
ABSENT_TEST(a_signal_handler_may_close, "windows", NO_SIGNALS)
ABSENT_TEST(a_signal_handler_may_wake, "windows", NO_SIGNALS)
ABSENT_TEST(a_signal_handler_may_close_with_an_event, "windows", NO_SIGNALS)
ABSENT_TEST(a_thread_in_sigwait_may_close, "windows", NO_SIGNALS)

#else

static void signal_event_and_close(int signal_number)
{
    uint64_t one = 1;

    (void)signal_number;
    (void)!write(event_fd, &one, sizeof(one));
    minimio_registrator_close_loop(registrator);
}

static void alarm_in_5_ms(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    struct itimerval in_5_ms = {.it_value.tv_usec = 5000};

    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &in_5_ms, NULL), 0);
}

static void close_handler(int signal_number)
{
    (void)signal_number;
    minimio_registrator_close_loop(registrator);
}

static void wake_handler(int signal_number)
{
    (void)signal_number;
    minimio_registrator_wake(registrator);
}

START_TEST(a_signal_handler_may_close)
{
    alarm_in_5_ms(close_handler);
    ck_assert_int_eq(poll_for(MINIMIO_FOREVER), -ECANCELED);
}
END_TEST

START_TEST(a_signal_handler_may_wake)
{
    alarm_in_5_ms(wake_handler);
    ck_assert_int_eq(poll_for(MINIMIO_FOREVER), 0);
}
END_TEST

START_TEST(a_signal_handler_may_close_with_an_event)
{
    event_fd = trigger_new(false);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, event_fd, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    alarm_in_5_ms(signal_event_and_close);
    int first = poll_for(MINIMIO_FOREVER);
    ck_assert(first == 1 || first == -ECANCELED);
    ck_assert_int_eq(poll_for(0), -ECANCELED);
    trigger_free(event_fd);
}
END_TEST

/* The way of a daemon: signals are blocked, and one thread takes them. */
static void *close_when_told(void *signals)
{
    int signal_number;

    ck_assert_int_eq(sigwait(signals, &signal_number), 0);
    ck_assert_int_eq(signal_number, SIGTERM);
    return close_from_thread(NULL);
}

START_TEST(a_thread_in_sigwait_may_close)
{
    sigset_t signals;
    pthread_t thread;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, close_when_told, &signals), 0);
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
    ck_assert_int_eq(poll_for(MINIMIO_FOREVER), -ECANCELED);
    pthread_join(thread, NULL);
}
END_TEST

#endif

START_TEST(wake_and_close_keep_errno)
{
    errno = E2BIG;
    minimio_registrator_wake(registrator);
    ck_assert_int_eq(errno, E2BIG);
    minimio_registrator_close_loop(registrator);
    ck_assert_int_eq(errno, E2BIG);
}
END_TEST

Suite *library_wake_suite(void)
{
    Suite *suite = suite_create("library_wake");
    TCase *tests = tcase_create("wake and close");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up_queue, tear_down_queue);
    tcase_add_test(tests, a_wake_before_the_poll_is_remembered);
    tcase_add_test(tests, three_wakes_are_one_early_return);
    tcase_add_test(tests, a_zero_timeout_spends_a_wake);
    tcase_add_test(tests, a_wake_that_comes_with_events_is_spent_with_them);
    tcase_add_test(tests, a_wake_takes_no_slot_of_the_capacity);
    tcase_add_test(tests, a_wake_from_another_thread_ends_the_poll_and_then_it_is_quiet);
    tcase_add_test(tests, closing_ends_the_poll_under_way_and_every_later_one);
    tcase_add_test(tests, a_closed_queue_refuses_all_but_deregister);
    tcase_add_test(tests, a_poll_under_way_when_both_came_returns_the_events);
    tcase_add_test(tests, a_signal_handler_may_close);
    tcase_add_test(tests, a_signal_handler_may_wake);
    tcase_add_test(tests, a_signal_handler_may_close_with_an_event);
    tcase_add_test(tests, a_thread_in_sigwait_may_close);
    tcase_add_test(tests, wake_and_close_keep_errno);
    suite_add_tcase(suite, tests);
    return suite;
}
