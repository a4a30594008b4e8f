/* SPDX-License-Identifier: MIT */
/* Registering, reregistering, deregistering: what is answered, and what is reported after. */
#include "tests/library/support.h"

#include <errno.h>
#ifndef _WIN32
#include <fcntl.h>
#endif
#include <stdlib.h>

Suite *library_registering_suite(void);

#define NO_DUPLICATES "sockets are duplicated for other processes, not within one"

static int add(minimio_fd fd, minimio_token token)
{
    return minimio_registrator_register_fd(registrator, fd, token, MINIMIO_READABLE, MINIMIO_EDGE);
}

static int change(minimio_fd fd, minimio_token token)
{
    return minimio_registrator_reregister_fd(registrator, fd, token, MINIMIO_READABLE, MINIMIO_EDGE);
}

static int forget(minimio_fd fd)
{
    return minimio_registrator_deregister_fd(registrator, fd);
}

static minimio_fd signalled(void)
{
    return trigger_new(true);
}

static void assert_token(minimio_token token)
{
    struct minimio_event event = await_event();

    ck_assert_uint_eq(minimio_event_id(&event), token);
}

START_TEST(a_second_register_is_refused_and_the_first_goes_on_working)
{
    minimio_fd fd = trigger_new(false);

    ck_assert_int_eq(add(fd, 1), 0);
    ck_assert_int_eq(add(fd, 2), -EEXIST);
    assert_quiet();
    trigger_fire(fd);
    ck_assert_int_eq(add(fd, 3), -EEXIST);
    assert_token(1); /* the edge that was pending when the other was refused */
    assert_quiet();
    trigger_free(fd);
}
END_TEST

START_TEST(stream_and_descriptor_are_one_registration)
{
    struct pair pair;

    pair_open(&pair);
    minimio_fd fd = minimio_tcp_stream_fd(pair.stream);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    ck_assert_int_eq(add(fd, 2), -EEXIST);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 2, MINIMIO_READABLE, MINIMIO_EDGE),
                     -EEXIST);
    ck_assert_int_eq(change(fd, 3), 0);
    send_text(pair.peer, "x");
    assert_token(3);
    ck_assert_int_eq(forget(fd), 0);
    ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), -ENOENT);
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 2, MINIMIO_READABLE, MINIMIO_EDGE),
                     -ENOENT);
    pair_close(&pair);
}
END_TEST

START_TEST(the_unknown_is_enoent)
{
    minimio_fd fd = signalled();

    ck_assert_int_eq(change(fd, 1), -ENOENT);
    ck_assert_int_eq(forget(fd), -ENOENT);
    ck_assert_int_eq(add(fd, 1), 0);
    ck_assert_int_eq(forget(fd), 0);
    ck_assert_int_eq(forget(fd), -ENOENT);
    ck_assert_int_eq(change(fd, 1), -ENOENT);
    assert_quiet();
    trigger_free(fd);
}
END_TEST

START_TEST(two_queues_are_told_independently)
{
    struct minimio_poll *other;
    struct minimio_event event;
    minimio_fd fd = signalled();

    ck_assert_int_eq(minimio_poll_new(&other), 0);
    struct minimio_registrator *handle = minimio_poll_registrator(other);
    ck_assert_int_eq(add(fd, 1), 0);
    ck_assert_int_eq(minimio_registrator_register_fd(handle, fd, 2, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    assert_token(1);
    ck_assert_int_eq(minimio_poll_poll(other, &event, 1, PLENTY), 1);
    ck_assert_uint_eq(minimio_event_id(&event), 2);
    ck_assert_int_eq(forget(fd), 0);
    trigger_drain(fd);
    trigger_fire(fd);
    ck_assert_int_eq(minimio_poll_poll(other, &event, 1, PLENTY), 1);
    assert_quiet();
    minimio_registrator_free(handle);
    minimio_poll_free(other);
    trigger_free(fd);
}
END_TEST

START_TEST(tokens_are_all_64_bits)
{
    static const minimio_token tokens[] = {0, 1, UINT64_C(1) << 31, UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX};
    minimio_fd fd = signalled();

    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        ck_assert_int_eq(add(fd, tokens[i]), 0);
        assert_token(tokens[i]);
        ck_assert_int_eq(forget(fd), 0);
    }
    trigger_free(fd);
}
END_TEST

START_TEST(register_after_deregister_works)
{
    minimio_fd fd = signalled();

    for (minimio_token token = 0; token < 100; token++) {
        ck_assert_int_eq(add(fd, token), 0);
        assert_token(token);
        ck_assert_int_eq(forget(fd), 0);
        ck_assert_int_eq(minimio_poll_poll(queue, &(struct minimio_event){0}, 1, 0), 0);
    }
    trigger_free(fd);
}
END_TEST

START_TEST(reregister_replaces_token_and_interests)
{
    struct pair pair;
    struct minimio_event event;

    pair_open(&pair);
    send_text(pair.peer, "x");
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    /* Before any poll: the event that was pending speaks of the new registration alone. */
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 2, MINIMIO_WRITABLE, MINIMIO_LEVEL), 0);
    event = await_event();
    ck_assert_uint_eq(minimio_event_id(&event), 2);
    ck_assert(minimio_event_is_writable(&event));
    ck_assert(!minimio_event_is_readable(&event));
    /* Between polls. */
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 3, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    event = await_event();
    ck_assert_uint_eq(minimio_event_id(&event), 3);
    ck_assert(minimio_event_is_readable(&event));
    ck_assert(!minimio_event_is_writable(&event));
    pair_close(&pair);
}
END_TEST

START_TEST(reregister_reports_what_is_ready_now)
{
    minimio_fd fd = signalled();

    ck_assert_int_eq(add(fd, 1), 0);
    assert_token(1);
    assert_quiet();
    ck_assert_int_eq(change(fd, 2), 0);
    assert_token(2);
    assert_quiet();
    trigger_free(fd);
}
END_TEST

START_TEST(a_reregister_that_fails_changes_nothing)
{
    minimio_fd fd = trigger_new(false);

    ck_assert_int_eq(add(fd, 1), 0);
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fd, 2, 0, MINIMIO_EDGE), -EINVAL);
    trigger_fire(fd);
    assert_token(1);
    trigger_free(fd);
}
END_TEST

START_TEST(nothing_comes_after_deregister_while_the_socket_still_works)
{
    struct pair pair;
    char byte;

    pair_open(&pair);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    send_text(pair.peer, "a");
    assert_token(1);
    ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
    assert_quiet();
    ck_assert_int_eq(minimio_tcp_stream_read(pair.stream, &byte, 1), 1);
    ck_assert_int_eq(minimio_tcp_stream_write(pair.stream, "b", 1), 1);
    ck_assert_int_eq(recv(pair.peer, &byte, 1, 0), 1);
    ck_assert_int_eq(byte, 'b');
    pair_close(&pair);
}
END_TEST

START_TEST(deregister_takes_a_pending_event_along)
{
    minimio_fd fds[3] = {signalled(), signalled(), signalled()};

    for (minimio_token i = 0; i < 3; i++)
        ck_assert_int_eq(add(fds[i], i), 0);
    ck_assert_int_eq(forget(fds[0]), 0);
    ck_assert_int_eq(forget(fds[2]), 0);
    assert_token(1);
    assert_quiet();
    for (int i = 0; i < 3; i++)
        trigger_free(fds[i]);
}
END_TEST

START_TEST(closing_while_registered_ends_the_registration)
{
    minimio_fd fd = signalled();

    ck_assert_int_eq(add(fd, 1), 0);
    close_fd(fd);
    assert_quiet();
    ck_assert_int_eq(forget(fd), -EBADF);
    ck_assert_int_eq(change(fd, 1), -EBADF);
}
END_TEST

START_TEST(a_new_descriptor_with_the_old_number_is_another)
{
    minimio_fd fd = signalled();

    ck_assert_int_eq(add(fd, 1), 0);
    close_fd(fd);
    minimio_fd other = trigger_reuse(fd);
    ck_assert_int_eq(change(other, 2), -ENOENT);
    ck_assert_int_eq(forget(other), -ENOENT);
    ck_assert_int_eq(add(other, 2), 0);
    assert_quiet();
    trigger_fire(other);
    assert_token(2);
    trigger_free(other);
}
END_TEST

/* In every mode, and when its event has been returned as well: not all backends ask the kernel for more then. */
START_TEST(what_was_reported_and_closed_leaves_its_number_free)
{
    enum minimio_mode mode = (enum minimio_mode)(_i % 3);
    minimio_fd fd = signalled();

    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 1, MINIMIO_READABLE, mode), 0);
    assert_token(1);
    close_fd(fd);
    if (_i >= 3)
        assert_quiet();
    trigger_reuse(fd);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 2, MINIMIO_READABLE, mode), 0);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 3, MINIMIO_READABLE, mode), -EEXIST);
    assert_quiet();
    trigger_fire(fd);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 3, MINIMIO_READABLE, mode), -EEXIST);
    assert_token(2);
    trigger_free(fd);
}
END_TEST

#ifdef _WIN32
ABSENT_TEST(an_old_registration_kept_by_a_duplicate_names_nobody, "windows", NO_DUPLICATES)
#else
START_TEST(an_old_registration_kept_by_a_duplicate_names_nobody)
{
    struct minimio_event event;
    minimio_fd fd = trigger_new(false);

    ck_assert_int_eq(add(fd, 1), 0);
    int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 100);
    close_fd(fd);
    minimio_fd other = trigger_reuse(fd);
    ck_assert_int_eq(add(other, 2), 0);
    trigger_fire(duplicate);
    assert_quiet();
    /* What is nobody's takes no slot either. */
    trigger_fire(duplicate);
    trigger_fire(other);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, 0), 1);
    ck_assert_uint_eq(minimio_event_id(&event), 2);
    close(other);
    close(duplicate);
}
END_TEST
#endif

#ifdef _WIN32
ABSENT_TEST(a_freed_stream_is_forgotten_even_if_a_duplicate_lives, "windows", NO_DUPLICATES)
#else
START_TEST(a_freed_stream_is_forgotten_even_if_a_duplicate_lives)
{
    struct minimio_poll *others[3];
    struct minimio_registrator *handles[3];
    struct minimio_event event;
    struct pair pair;

    pair_open(&pair);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(minimio_poll_new(&others[i]), 0);
        handles[i] = minimio_poll_registrator(others[i]);
        ck_assert_int_eq(minimio_registrator_register(handles[i], pair.stream, 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    }
    int duplicate = fcntl(minimio_tcp_stream_fd(pair.stream), F_DUPFD_CLOEXEC, 100);
    send_text(pair.peer, "x");
    ck_assert_int_eq(minimio_poll_poll(others[0], &event, 1, PLENTY), 1);
    pair.stream = minimio_tcp_stream_free(pair.stream);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(minimio_poll_poll(others[i], &event, 1, i == 0 ? A_MOMENT : 0), 0);
    for (int i = 0; i < 3; i++) {
        minimio_registrator_free(handles[i]);
        minimio_poll_free(others[i]);
    }
    close(duplicate);
    pair_close(&pair);
}
END_TEST
#endif

START_TEST(a_stream_remembers_its_queues_however_they_come_and_go)
{
    struct minimio_poll *others[4] = {NULL};
    struct minimio_registrator *handles[4] = {NULL};
    struct pair pair;

    srand(5);
    pair_open(&pair);
    for (int round = 0; round < 400; round++) {
        int i = rand() % 4;
        if (!others[i]) {
            ck_assert_int_eq(minimio_poll_new(&others[i]), 0);
            handles[i] = minimio_poll_registrator(others[i]);
            ck_assert_int_eq(minimio_registrator_register(handles[i], pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE),
                             0);
        } else if (rand() % 2) {
            ck_assert_int_eq(minimio_registrator_deregister(handles[i], pair.stream), 0);
            ck_assert_int_eq(minimio_registrator_register(handles[i], pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE),
                             0);
        } else {
            others[i] = minimio_poll_free(others[i]);
            handles[i] = minimio_registrator_free(handles[i]);
        }
    }
    pair.stream = minimio_tcp_stream_free(pair.stream);
    for (int i = 0; i < 4; i++) {
        minimio_registrator_free(handles[i]);
        minimio_poll_free(others[i]);
    }
    pair_close(&pair);
}
END_TEST

START_TEST(files_and_folders_are_refused)
{
    minimio_fd fds[] = {open_file(), open_folder()};

    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(add(fds[i], 1), -EPERM);
        ck_assert_int_eq(change(fds[i], 1), -EPERM);
        ck_assert_int_eq(forget(fds[i]), -ENOENT);
        close_file(fds[i]);
    }
}
END_TEST

#ifdef _WIN32
ABSENT_TEST(the_queue_s_own_descriptors_are_refused, "windows", "a queue has no descriptor of its own")
#else
START_TEST(the_queue_s_own_descriptors_are_refused)
{
    int own = minimio_poll_fd(queue);

    ck_assert_int_eq(add(own, 1), -EINVAL);
    ck_assert_int_eq(change(own, 1), -EINVAL);
    ck_assert_int_eq(forget(own), -ENOENT);
    /* Nor does a stray number reach the descriptor that wakes the queue. */
    for (int fd = 0; fd < 64; fd++)
        forget(fd);
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &(struct minimio_event){0}, 1, MINIMIO_FOREVER), 0);
}
END_TEST
#endif

START_TEST(numbers_far_off_cost_no_memory)
{
    ck_assert_int_eq(add(INT32_MAX, 1), -EBADF);
    ck_assert_int_eq(add(MINIMIO_INVALID_FD, 1), -EBADF);
    ck_assert_int_eq(add(INT32_MIN, 1), -EBADF);
    ck_assert_int_eq(minimio_registrator_register_socket(registrator, INT32_MAX, 1, MINIMIO_READABLE, MINIMIO_EDGE),
                     -EBADF);
    ck_assert_int_eq(
        minimio_registrator_register_socket(registrator, MINIMIO_INVALID_FD, 1, MINIMIO_READABLE, MINIMIO_EDGE),
        -EBADF);
    ck_assert_int_eq(change(INT32_MAX, 1), -EBADF);
    ck_assert_int_eq(change(MINIMIO_INVALID_FD, 1), -EBADF);
    ck_assert_int_eq(forget(INT32_MAX), -EBADF);
    ck_assert_int_eq(forget(MINIMIO_INVALID_FD), -EBADF);
}
END_TEST

START_TEST(checks_come_in_order)
{
    const minimio_interests all = MINIMIO_READABLE | MINIMIO_WRITABLE | MINIMIO_PRIORITY;
    minimio_fd file = open_file();
    minimio_fd fd = signalled();

    ck_assert_int_eq(add(fd, 1), 0);
    /* Invalid arguments, of a closed descriptor, of a file, of what is registered. */
    static const minimio_fd none = MINIMIO_INVALID_FD;
    const minimio_fd targets[] = {none, file, fd};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(minimio_registrator_register_fd(registrator, targets[i], 1, 0, MINIMIO_EDGE), -EINVAL);
        ck_assert_int_eq(minimio_registrator_register_fd(registrator, targets[i], 1, 0x08, MINIMIO_EDGE), -EINVAL);
        ck_assert_int_eq(minimio_registrator_register_fd(registrator, targets[i], 1, all, (enum minimio_mode)3),
                         -EINVAL);
        ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, targets[i], 1, 0x80 | all, MINIMIO_EDGE),
                         -EINVAL);
        ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, targets[i], 1, all, (enum minimio_mode) - 1),
                         -EINVAL);
    }
    /* A closed queue comes after invalid arguments and before the descriptor. */
    ck_assert_int_eq(minimio_registrator_close_loop(registrator), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(minimio_registrator_register_fd(registrator, targets[i], 1, 0, MINIMIO_EDGE), -EINVAL);
        ck_assert_int_eq(add(targets[i], 1), -ECANCELED);
        ck_assert_int_eq(change(targets[i], 1), -ECANCELED);
    }
    if (minimio_poll_fd(queue) >= 0)
        ck_assert_int_eq(add((minimio_fd)minimio_poll_fd(queue), 1), -EINVAL);
    ck_assert_int_eq(forget(none), -EBADF);
    ck_assert_int_eq(forget(file), -ENOENT);
    ck_assert_int_eq(forget(fd), 0);
    ck_assert_int_eq(forget(fd), -ENOENT);
    close_file(file);
    trigger_free(fd);
}
END_TEST

START_TEST(a_registrator_may_outlive_its_queue)
{
    struct pair pair;
    minimio_fd fd = signalled();

    pair_open(&pair);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    queue = minimio_poll_free(queue);
    /* A stranger's descriptors that happen to have the numbers of the queue's old ones. */
    minimio_fd strangers[4] = {signalled(), signalled(), signalled(), signalled()};
    ck_assert_int_eq(add(fd, 1), -ECANCELED);
    ck_assert_int_eq(change(fd, 1), -ECANCELED);
    ck_assert_int_eq(forget(fd), -ECANCELED);
    ck_assert_int_eq(add(MINIMIO_INVALID_FD, 1), -ECANCELED);
    ck_assert_int_eq(forget(MINIMIO_INVALID_FD), -ECANCELED);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE),
                     -ECANCELED);
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE),
                     -ECANCELED);
    ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), -ECANCELED);
    ck_assert_int_eq(minimio_registrator_wake(registrator), -ECANCELED);
    ck_assert_int_eq(minimio_registrator_close_loop(registrator), -ECANCELED);
    for (int i = 0; i < 4; i++) {
        trigger_drain(strangers[i]);
        trigger_free(strangers[i]);
    }
    pair_close(&pair);
    trigger_free(fd);
}
END_TEST

Suite *library_registering_suite(void)
{
    Suite *suite = suite_create("library_registering");
    TCase *tests = tcase_create("registering");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up_queue, tear_down_queue);
    tcase_add_test(tests, a_second_register_is_refused_and_the_first_goes_on_working);
    tcase_add_test(tests, stream_and_descriptor_are_one_registration);
    tcase_add_test(tests, the_unknown_is_enoent);
    tcase_add_test(tests, two_queues_are_told_independently);
    tcase_add_test(tests, tokens_are_all_64_bits);
    tcase_add_test(tests, register_after_deregister_works);
    tcase_add_test(tests, reregister_replaces_token_and_interests);
    tcase_add_test(tests, reregister_reports_what_is_ready_now);
    tcase_add_test(tests, a_reregister_that_fails_changes_nothing);
    tcase_add_test(tests, nothing_comes_after_deregister_while_the_socket_still_works);
    tcase_add_test(tests, deregister_takes_a_pending_event_along);
    tcase_add_test(tests, closing_while_registered_ends_the_registration);
    tcase_add_test(tests, a_new_descriptor_with_the_old_number_is_another);
    tcase_add_loop_test(tests, what_was_reported_and_closed_leaves_its_number_free, 0, 6);
    tcase_add_test(tests, an_old_registration_kept_by_a_duplicate_names_nobody);
    tcase_add_test(tests, a_freed_stream_is_forgotten_even_if_a_duplicate_lives);
    tcase_add_test(tests, a_stream_remembers_its_queues_however_they_come_and_go);
    tcase_add_test(tests, files_and_folders_are_refused);
    tcase_add_test(tests, the_queue_s_own_descriptors_are_refused);
    tcase_add_test(tests, numbers_far_off_cost_no_memory);
    tcase_add_test(tests, checks_come_in_order);
    tcase_add_test(tests, a_registrator_may_outlive_its_queue);
    suite_add_tcase(suite, tests);
    return suite;
}
