/* SPDX-License-Identifier: MIT */
/* What the kqueue backend has to do beyond what every backend's cases show: two knotes a registration, its calls. */
#include "tests/kqueue/kqueue.h"
#include "tests/library/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *kqueue_backend_suite(void);

#define BOTH (MINIMIO_READABLE | MINIMIO_WRITABLE)

static int fds[2];

static void set_up(void)
{
    set_up_queue();
    connected_pair(fds);
}

static void tear_down(void)
{
    close(fds[0]);
    close(fds[1]);
    tear_down_queue();
}

static void add(minimio_interests interests, enum minimio_mode mode)
{
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[0], 1, interests, mode), 0);
}

static void change(minimio_interests interests, enum minimio_mode mode)
{
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fds[0], 2, interests, mode), 0);
}

/* ---- Two knotes ------------------------------------------------------------------------------------------------- */

START_TEST(two_filters_of_a_descriptor_are_one_event_in_every_mode)
{
    struct minimio_event events[4];

    send_text(fds[1], "x");
    add(BOTH, (enum minimio_mode)_i);
    ck_assert_int_eq(minimio_poll_poll(queue, events, 4, PLENTY), 1);
    ck_assert(minimio_event_is_readable(&events[0]) && minimio_event_is_writable(&events[0]));
    if (_i != MINIMIO_LEVEL)
        assert_quiet();
}
END_TEST

START_TEST(a_oneshot_of_which_one_half_fitted_has_fired)
{
    struct minimio_event event;

    send_text(fds[1], "x");
    add(BOTH, MINIMIO_ONESHOT);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, PLENTY), 1);
    assert_quiet();
    send_text(fds[1], "y");
    assert_quiet();
    change(BOTH, MINIMIO_ONESHOT);
    ck_assert_uint_eq(await_event().token, 2);
    assert_quiet();
}
END_TEST

#define MANY 400

START_TEST(as_many_events_as_there_is_room_for_come_in_one_poll)
{
    static struct minimio_event events[MANY];
    static int pairs[MANY][2];
    bool seen[MANY] = {false};

    for (int i = 0; i < MANY; i++) {
        connected_pair(pairs[i]);
        send_text(pairs[i][1], "x");
        ck_assert_int_eq(
            minimio_registrator_register_fd(registrator, pairs[i][0], (minimio_token)i, BOTH, (enum minimio_mode)_i),
            0);
    }
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, events, MANY, PLENTY), MANY);
    for (int i = 0; i < MANY; i++) {
        ck_assert(!seen[events[i].token]);
        seen[events[i].token] = true;
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}
END_TEST

START_TEST(interests_come_and_go_in_every_mode)
{
    static const minimio_interests sets[] = {MINIMIO_READABLE, MINIMIO_WRITABLE, BOTH};
    enum minimio_mode from = (enum minimio_mode)(_i / 3), to = (enum minimio_mode)(_i % 3);

    send_text(fds[1], "x");
    for (int i = 0; i < 9; i++) {
        add(sets[i / 3], from);
        change(sets[i % 3], to);
        struct minimio_event event = await_event();
        ck_assert_uint_eq(event.token, 2);
        ck_assert_int_eq(minimio_event_is_readable(&event), (sets[i % 3] & MINIMIO_READABLE) != 0);
        ck_assert_int_eq(minimio_event_is_writable(&event), (sets[i % 3] & MINIMIO_WRITABLE) != 0);
        if (to != MINIMIO_LEVEL)
            ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, 0), 0);
        ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fds[0]), 0);
        ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, 0), 0);
    }
}
END_TEST

/* ---- Numbers that are used again -------------------------------------------------------------------------------- */

/* Closes the registered descriptor and makes another one of its number. */
static void replace(void)
{
    close(fds[0]);
    ck_assert_int_eq(fcntl(fds[1], F_DUPFD_CLOEXEC, fds[0]), fds[0]);
}

START_TEST(a_change_never_reaches_a_stranger_of_the_old_number)
{
    add(MINIMIO_READABLE, MINIMIO_LEVEL);
    replace();
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fds[0], 2, BOTH, (enum minimio_mode)_i), -ENOENT);
    ck_assert_int_eq(knote_count(minimio_poll_fd(queue), fds[0]), 0);
    assert_quiet();
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fds[0]), -ENOENT);
    add(MINIMIO_WRITABLE, MINIMIO_EDGE);
    ck_assert_uint_eq(await_event().token, 1);
    replace();
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fds[0]), -ENOENT);
    add(MINIMIO_WRITABLE, MINIMIO_EDGE);
    ck_assert_uint_eq(await_event().token, 1);
}
END_TEST

START_TEST(a_stranger_that_is_a_file_is_refused_as_one)
{
    add(MINIMIO_READABLE, MINIMIO_LEVEL);
    close(fds[0]);
    ck_assert_int_eq(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), fds[0]);
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fds[0], 2, BOTH, MINIMIO_EDGE), -EPERM);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[0], 2, BOTH, MINIMIO_EDGE), -EPERM);
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fds[0]), -ENOENT);
}
END_TEST

START_TEST(a_refused_register_does_not_arm_a_fired_oneshot)
{
    send_text(fds[1], "x");
    add(MINIMIO_READABLE, MINIMIO_ONESHOT);
    await_event();
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[0], 2, BOTH, MINIMIO_EDGE), -EEXIST);
    assert_quiet();
}
END_TEST

START_TEST(a_child_leaves_alone_what_has_the_kqueue_s_number)
{
    int status, number = minimio_poll_fd(queue);
    pid_t child = fork();

    if (child == 0) {
        int stranger = fcntl(fds[0], F_DUPFD_CLOEXEC, number);
        minimio_registrator_wake(registrator);
        minimio_poll_free(queue);
        minimio_registrator_free(registrator);
        _exit(stranger != number || fcntl(number, F_GETFD) < 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    assert_quiet();
}
END_TEST

/* ---- What the kernel refuses ------------------------------------------------------------------------------------ */

START_TEST(a_register_that_half_fails_leaves_nothing)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    close(ends[0]);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, ends[1], 1, BOTH, MINIMIO_LEVEL), -EPIPE);
    ck_assert_int_eq(knote_count(minimio_poll_fd(queue), ends[1]), 0);
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, ends[1]), -ENOENT);
    close(ends[1]);
}
END_TEST

START_TEST(a_change_that_fails_leaves_what_was_unless_its_mode_is_another)
{
    int ends[2];
    struct minimio_event event;

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, ends[1], 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    close(ends[0]);
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, ends[1], 2, BOTH, MINIMIO_LEVEL), -EPIPE);
    ck_assert_int_eq(knote_count(minimio_poll_fd(queue), ends[1]), 1);
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, ends[1]), 0);
    close(ends[1]);

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, ends[1], 1, MINIMIO_WRITABLE, MINIMIO_LEVEL), 0);
    close(ends[0]);
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, ends[1], 2, MINIMIO_WRITABLE, MINIMIO_LEVEL), 0);
    event = await_event();
    ck_assert(event.token == 2 && minimio_event_is_write_closed(&event));
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, ends[1], 3, MINIMIO_WRITABLE, MINIMIO_EDGE),
                     -EPIPE);
    assert_quiet();
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, ends[1]), -ENOENT);
    close(ends[1]);
}
END_TEST

/* ---- Priority --------------------------------------------------------------------------------------------------- */

START_TEST(priority_that_cannot_be_told_is_refused_after_all_else)
{
#ifdef NOTE_OOB
    printf("kqueue: priority can be told here\n");
#else
    const minimio_interests all = BOTH | MINIMIO_PRIORITY;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(minimio_registrator_register_fd(registrator, -1, 2, all, MINIMIO_EDGE), -EBADF);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, file, 2, all, MINIMIO_EDGE), -EPERM);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[0], 2, all, MINIMIO_EDGE), -ENOTSUP);
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fds[0], 2, all, MINIMIO_EDGE), -ENOENT);
    add(MINIMIO_WRITABLE, MINIMIO_EDGE);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[0], 2, all, MINIMIO_EDGE), -EEXIST);
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fds[0], 2, all, MINIMIO_EDGE), -ENOTSUP);
    ck_assert_uint_eq(await_event().token, 1);
    replace();
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fds[0], 2, all, MINIMIO_EDGE), -ENOENT);
    close(file);
#endif
}
END_TEST

/* ---- The waker -------------------------------------------------------------------------------------------------- */

START_TEST(no_descriptor_of_the_queue_s_can_be_registered)
{
    int before = open_descriptors();

    /* Whatever the waker is made of lies among these numbers; the rest is refused for reasons of its own, or taken. */
    for (int fd = 0; fd < 32; fd++)
        if (minimio_registrator_register_fd(registrator, fd, 9, MINIMIO_READABLE, MINIMIO_EDGE) == 0)
            minimio_registrator_deregister_fd(registrator, fd);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
        ck_assert_int_eq(minimio_poll_poll(queue, &(struct minimio_event){0}, 1, MINIMIO_FOREVER), 0);
    }
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(a_wake_that_was_spent_keeps_nothing_awake)
{
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &(struct minimio_event){0}, 1, MINIMIO_FOREVER), 0);
    unsigned long before = kevent_calls();
    assert_quiet();
    ck_assert_uint_le(kevent_calls() - before, 2); /* one, and one if the kernel's clock was a trifle early */
}
END_TEST

static atomic_bool stop;

static void *wake_all_the_while(void *handle)
{
    while (!atomic_load(&stop))
        minimio_registrator_wake(handle);
    return NULL;
}

START_TEST(queues_end_while_they_are_kicked)
{
    for (int i = 0; i < 100; i++) {
        struct minimio_poll *other;
        pthread_t thread;
        ck_assert_int_eq(minimio_poll_new(&other), 0);
        struct minimio_registrator *handle = minimio_poll_registrator(other);
        atomic_store(&stop, false);
        ck_assert_int_eq(pthread_create(&thread, NULL, wake_all_the_while, handle), 0);
        for (int n = 0; n < i % 4; n++)
            minimio_poll_poll(other, &(struct minimio_event){0}, 1, MINIMIO_FOREVER);
        minimio_poll_free(other);
        atomic_store(&stop, true);
        pthread_join(thread, NULL);
        minimio_registrator_free(handle);
    }
}
END_TEST

/* ---- System calls ----------------------------------------------------------------------------------------------- */

static unsigned long calls_of_a_poll(void)
{
    unsigned long before = kevent_calls();

    struct minimio_event events[8];

    ck_assert_int_eq(minimio_poll_poll(queue, events, 8, PLENTY), 1);
    ck_assert(minimio_event_is_readable(&events[0]));
    return kevent_calls() - before;
}

START_TEST(an_event_costs_no_call_of_its_own)
{
    for (int i = 0; i < 3; i++) {
        send_text(fds[1], "x");
        if (i == 0)
            add(BOTH, (enum minimio_mode)_i);
        ck_assert_uint_eq(calls_of_a_poll(), 1);
    }
}
END_TEST

START_TEST(a_oneshot_costs_the_call_that_arms_it)
{
    send_text(fds[1], "x");
    add(MINIMIO_READABLE, MINIMIO_ONESHOT);
#ifdef EV_DISPATCH
    ck_assert_uint_eq(calls_of_a_poll(), 1);
#else
    ck_assert_uint_eq(calls_of_a_poll(), 2);
#endif
    unsigned long before = kevent_calls();
    change(MINIMIO_READABLE, MINIMIO_ONESHOT);
    ck_assert_uint_eq(kevent_calls() - before, 1);
    before = kevent_calls();
    change(BOTH, MINIMIO_ONESHOT);
    ck_assert_uint_eq(kevent_calls() - before, 1);
    ck_assert_uint_eq(calls_of_a_poll(), 2);
}
END_TEST

Suite *kqueue_backend_suite(void)
{
    Suite *suite = suite_create("kqueue_backend");
    TCase *tests = tcase_create("kqueue backend");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, two_filters_of_a_descriptor_are_one_event_in_every_mode, 0, 3);
    tcase_add_test(tests, a_oneshot_of_which_one_half_fitted_has_fired);
    tcase_add_loop_test(tests, as_many_events_as_there_is_room_for_come_in_one_poll, 0, 3);
    tcase_add_loop_test(tests, interests_come_and_go_in_every_mode, 0, 9);
    tcase_add_loop_test(tests, a_change_never_reaches_a_stranger_of_the_old_number, 0, 3);
    tcase_add_test(tests, a_stranger_that_is_a_file_is_refused_as_one);
    tcase_add_test(tests, a_refused_register_does_not_arm_a_fired_oneshot);
    tcase_add_test(tests, a_child_leaves_alone_what_has_the_kqueue_s_number);
    tcase_add_test(tests, a_register_that_half_fails_leaves_nothing);
    tcase_add_test(tests, a_change_that_fails_leaves_what_was_unless_its_mode_is_another);
    tcase_add_test(tests, priority_that_cannot_be_told_is_refused_after_all_else);
    tcase_add_test(tests, no_descriptor_of_the_queue_s_can_be_registered);
    tcase_add_test(tests, a_wake_that_was_spent_keeps_nothing_awake);
    tcase_add_test(tests, queues_end_while_they_are_kicked);
    tcase_add_loop_test(tests, an_event_costs_no_call_of_its_own, MINIMIO_EDGE, MINIMIO_LEVEL + 1);
    tcase_add_test(tests, a_oneshot_costs_the_call_that_arms_it);
    suite_add_tcase(suite, tests);
    return suite;
}
