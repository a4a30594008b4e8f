/* SPDX-License-Identifier: MIT */
/*
 * What hang-ups mean of pipes, local sockets, listeners and files of the kernel's, under LEVEL and every interest; and
 * descriptors that are closed while their open file lives on.
 */
#include "tests/library/support.h"

#include "tests/skip.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/un.h>
#include <sys/wait.h>

Suite *library_hang_ups_posix_suite(void);

static bool is_epoll(void)
{
    return strcmp(minimio_backend(), "epoll") == 0;
}

static int add(int fd, minimio_token token, minimio_interests interests, enum minimio_mode mode)
{
    return minimio_registrator_register_fd(registrator, fd, token, interests, mode);
}

/* ---- Kinds of files -----------------------------------------------------------------------------------------------
 */

/* What is waited for, and after its end, what to close. */
struct ended {
    int fd, other;
};

static struct ended pipe_without_writer(void)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    close(ends[1]);
    return (struct ended){ends[0], -1};
}

static struct ended pipe_without_reader(void)
{
    int ends[2];
    char block[4096] = {0};

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], block, sizeof(block)) > 0)
        ;
    close(ends[0]);
    return (struct ended){ends[1], -1};
}

static struct ended local_pair(void)
{
    minimio_fd fds[2];
    char block[4096] = {0};

    connected_pair(fds);
    while (write(fds[0], block, sizeof(block)) > 0)
        ;
    return (struct ended){fds[0], fds[1]};
}

static struct ended local_peer_ends(void)
{
    struct ended ended = local_pair();

    shutdown(ended.other, SHUT_WR);
    return ended;
}

static struct ended local_peer_closes(void)
{
    struct ended ended = local_pair();

    close(ended.other);
    ended.other = -1;
    return ended;
}

static struct ended local_own_end(void)
{
    struct ended ended = local_pair();

    shutdown(ended.fd, SHUT_RD);
    return ended;
}

static struct ended local_own_ends(void)
{
    struct ended ended = local_pair();

    shutdown(ended.fd, SHUT_RDWR);
    return ended;
}

static struct ended shut_listener(void)
{
    struct sockaddr_storage address;
    socklen_t length;
    int fd = listen_on(AF_INET, &address, &length);

    shutdown(fd, SHUT_RD);
    return (struct ended){fd, -1};
}

static struct ended listener(void)
{
    struct sockaddr_storage address;
    socklen_t length;

    return (struct ended){listen_on(AF_INET, &address, &length), -1};
}

static struct ended never_connected(void)
{
    return (struct ended){open_socket(AF_INET, false), -1};
}

static const struct {
    const char *name;
    struct ended (*make)(void);
} kinds[] = {
    {"a pipe without writer", pipe_without_writer},
    {"a pipe without reader", pipe_without_reader},
    {"a local peer that ends", local_peer_ends},
    {"a local peer that closes", local_peer_closes},
    {"a local socket that reads no more", local_own_end},
    {"a local socket that is shut", local_own_ends},
    {"a listener that is shut", shut_listener},
    {"a listener", listener},
    {"a socket that was never connected", never_connected},
};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

static bool is_asked_for(const struct minimio_event *event, minimio_interests interests)
{
    bool reader = minimio_interests_is_readable(interests), writer = minimio_interests_is_writable(interests);
    bool closed = minimio_interests_is_closed(interests);

    return (reader && minimio_event_is_readable(event)) || (writer && minimio_event_is_writable(event)) ||
           (minimio_interests_is_priority(interests) && minimio_event_is_priority(event)) ||
           ((reader || closed) && minimio_event_is_read_closed(event)) ||
           ((writer || closed) && minimio_event_is_write_closed(event));
}

START_TEST(no_kind_of_file_is_kept_ready_by_what_nobody_asked_for)
{
    struct minimio_event event;
    struct ended ended = kinds[_i % KINDS].make();
    int n = _i / KINDS + 1, in_a_row = 0, count = 1;
    minimio_interests interests = (minimio_interests)((n & 7) | (n & 8 ? MINIMIO_CLOSED : 0));

    int r = add(ended.fd, 1, interests, MINIMIO_LEVEL);
    if (r < 0)
        ck_assert_msg(!is_epoll(), "%s: %d", kinds[_i % KINDS].name, r);
    for (int i = 0; r == 0 && i < 30 && in_a_row < 10 && count > 0; i++) {
        count = minimio_poll_poll(queue, &event, 1, A_MOMENT);
        in_a_row = count > 0 && is_asked_for(&event, interests) ? in_a_row + 1 : 0;
    }
    ck_assert_msg(r < 0 || count == 0 || in_a_row == 10, "%s, interests %#x", kinds[_i % KINDS].name, interests);
    close(ended.fd);
    close(ended.other);
}
END_TEST

#define NO_NAMESPACE 77

/* The kernel tells of a change of the mounts by an error, and of nothing that is closed. */
START_TEST(an_error_of_what_is_no_pipe_closes_nothing)
{
    struct minimio_event event;
    int status;

    if (!is_epoll())
        return;
    pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(NO_NAMESPACE);
        int mounts = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
        set_up_queue();
        if (add(mounts, 1, MINIMIO_PRIORITY, MINIMIO_EDGE) != 0 || mount("none", "/mnt", "tmpfs", 0, NULL) < 0)
            _exit(1);
        if (minimio_poll_poll(queue, &event, 1, MINIMIO_FOREVER) != 1)
            _exit(2);
        bool bad = minimio_event_is_write_closed(&event) || minimio_event_is_read_closed(&event) ||
                   minimio_event_is_writable(&event) || !minimio_event_is_priority(&event) ||
                   !minimio_event_is_error(&event);
        _exit(bad ? 3 : 0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    TEST_NEEDS(WEXITSTATUS(status) != NO_NAMESPACE, "a mount namespace");
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* ---- Closed while the open file lives on --------------------------------------------------------------------------
 */

#define KEPT 100 /* where duplicates go */

/* A ready descriptor that is registered and closed, while a duplicate of it lives. Returns the duplicate. */
static int leave_behind(minimio_token token, minimio_interests interests, enum minimio_mode mode, int *ret_number)
{
    int fd = trigger_new(true);

    ck_assert_int_eq(add(fd, token, interests, mode), 0);
    int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, KEPT);
    ck_assert_int_ge(duplicate, KEPT);
    close_fd(fd);
    *ret_number = fd;
    return duplicate;
}

/* How many times the process has waited cannot be seen; how long it has worked can. */
static int64_t worked_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (int64_t)time.tv_sec * S + time.tv_nsec;
}

/* A poll without events waits for them, and does not work all the while. */
static void assert_idle(void)
{
    int64_t before = worked_ns();
    struct minimio_event event;

    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, 200 * MS), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, 200 * MS), 0);
    if (!is_slowed_down())
        ck_assert_int_lt(worked_ns() - before, 100 * MS);
}

START_TEST(a_number_that_is_used_again_is_rid_of_its_old_file)
{
    int number, kept = leave_behind(1, MINIMIO_READABLE, MINIMIO_LEVEL, &number);

    int fd = trigger_reuse(number);
    if (_i == 0) /* another file is registered under it */
        ck_assert_int_eq(add(fd, 2, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    else /* another file has it, or nobody */
        ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fd), -ENOENT);
    assert_idle();
    if (_i == 0) {
        trigger_fire(fd);
        struct minimio_event event = await_event();
        ck_assert_uint_eq(minimio_event_id(&event), 2);
        ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fd, 3, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
        event = await_event();
        ck_assert_uint_eq(minimio_event_id(&event), 3);
        ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, fd), 0);
    }
    ck_assert_int_eq(add(fd, 4, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    close(fd);
    close(kept);
}
END_TEST

START_TEST(a_closed_number_is_forgotten_when_it_is_deregistered)
{
    int number, kept = leave_behind(1, MINIMIO_READABLE, MINIMIO_LEVEL, &number);

    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, number), -EBADF);
    assert_idle();
    ck_assert_int_eq(add(kept, 2, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    struct minimio_event event = await_event();
    ck_assert_uint_eq(minimio_event_id(&event), 2);
    close(kept);
}
END_TEST

/* All that was registered goes on as it was: in every mode, fired or not, by any number. */
START_TEST(the_others_keep_their_registrations)
{
    int fired = trigger_new(true), armed = trigger_new(false), edge = trigger_new(false), level = trigger_new(false);
    struct minimio_event event;
    struct pair pair;
    int number, kept;

    pair_open(&pair);
    fill(pair.stream);
    kept = leave_behind(1, MINIMIO_READABLE, MINIMIO_LEVEL, &number);
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, number), -EBADF);
    ck_assert_int_eq(add(fired, 2, MINIMIO_READABLE, MINIMIO_ONESHOT), 0);
    event = await_event();
    ck_assert_uint_eq(minimio_event_id(&event), 2);
    ck_assert_int_eq(add(armed, 3, MINIMIO_READABLE, MINIMIO_ONESHOT), 0);
    ck_assert_int_eq(add(edge, 4, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    ck_assert_int_eq(add(level, 5, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    ck_assert_int_eq(shutdown(pair.peer, SHUT_WR), 0);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 6, MINIMIO_WRITABLE, MINIMIO_LEVEL), 0);
    if (is_epoll()) { /* told once, and muted */
        event = await_event();
        ck_assert_uint_eq(minimio_event_id(&event), 6);
    }
    assert_idle();
    assert_quiet();
    trigger_fire(armed);
    trigger_fire(edge);
    trigger_fire(level);
    unsigned seen = 0;
    for (int i = 0; i < 20; i++) {
        struct minimio_event events[8];
        int count = minimio_poll_poll(queue, events, 8, 0);
        ck_assert_int_ge(count, i == 0 ? 3 : 1);
        for (int k = 0; k < count; k++) {
            ck_assert(i == 0 || minimio_event_id(&events[k]) == 5);
            seen |= 1U << minimio_event_id(&events[k]);
        }
    }
    ck_assert_uint_eq(seen, 1U << 3 | 1U << 4 | 1U << 5);
    trigger_drain(level);
    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, fired, 7, MINIMIO_READABLE, MINIMIO_ONESHOT), 0);
    event = await_event();
    ck_assert_uint_eq(minimio_event_id(&event), 7);
    ck_assert_int_eq(add(fired, 8, MINIMIO_READABLE, MINIMIO_LEVEL), -EEXIST);
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, MINIMIO_FOREVER), 0);
    pair_close(&pair);
    close_all((int[]){fired, armed, edge, level, kept}, 5);
}
END_TEST

START_TEST(a_file_that_nobody_registered_is_not_taken_for_the_one_that_was)
{
    int numbers[2], kept[2], other;

    kept[0] =
        leave_behind(1, MINIMIO_READABLE, MINIMIO_EDGE, &numbers[0]); /* stands, for nobody knows that it is gone */
    trigger_drain(kept[0]);
    assert_quiet();
    other = trigger_reuse(numbers[0]);
    trigger_fire(other);
    kept[1] = leave_behind(2, MINIMIO_READABLE, MINIMIO_LEVEL, &numbers[1]);
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, numbers[1]), -EBADF);
    assert_idle();
    ck_assert_int_eq(add(other, 3, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    struct minimio_event event = await_event();
    ck_assert_uint_eq(minimio_event_id(&event), 3);
    close_all((int[]){other, kept[0], kept[1]}, 3);
}
END_TEST

START_TEST(a_queue_that_is_nested_goes_on_being_told)
{
    struct minimio_poll *outer;
    struct minimio_event event;
    int number, kept, fd = trigger_new(false);

    ck_assert_int_eq(minimio_poll_new(&outer), 0);
    struct minimio_registrator *handle = minimio_poll_registrator(outer);
    int nested = minimio_poll_fd(queue);
    ck_assert_int_eq(minimio_registrator_register_fd(handle, nested, 9, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    ck_assert_int_eq(add(fd, 5, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    kept = leave_behind(1, MINIMIO_READABLE, MINIMIO_LEVEL, &number);
    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, number), -EBADF);
    assert_idle();
    ck_assert_int_eq(minimio_poll_poll(outer, &event, 1, A_MOMENT), 0);
    trigger_fire(fd);
    ck_assert_int_eq(minimio_poll_poll(outer, &event, 1, PLENTY), 1);
    ck_assert_uint_eq(minimio_event_id(&event), 9);
    ck_assert_int_eq(minimio_poll_fd(queue), nested);
    minimio_registrator_free(handle);
    minimio_poll_free(outer);
    close_all((int[]){fd, kept}, 2);
}
END_TEST

/* A child has them: many at once, and all numbers used again, with a capacity of one. */
START_TEST(what_a_forked_child_keeps_open_holds_nobody_up)
{
    int fds[50], go[2], status;
    char byte;

    ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
    for (int i = 0; i < 50; i++) {
        fds[i] = trigger_new(true);
        ck_assert_int_eq(add(fds[i], (minimio_token)i, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    }
    pid_t child = fork();
    if (child == 0) {
        close(go[1]);
        _exit(read(go[0], &byte, 1) != 0);
    }
    for (int i = 0; i < 50; i++) {
        close_fd(fds[i]);
        ck_assert_int_eq(trigger_reuse(fds[i]), fds[i]);
        ck_assert_int_eq(add(fds[i], 100 + (minimio_token)i, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    }
    assert_idle();
    for (int i = 0; i < 50; i++) {
        trigger_fire(fds[i]);
        struct minimio_event event = await_event();
        ck_assert_uint_eq(minimio_event_id(&event), 100 + (minimio_token)i);
        trigger_drain(fds[i]);
    }
    assert_quiet();
    close_all(go, 2);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    close_all(fds, 50);
}
END_TEST

/* ---- While other threads change things ----------------------------------------------------------------------------
 */

static atomic_bool stop;

static void *leave_behind_all_the_while(void *argument)
{
    int *failures = argument;

    while (!atomic_load(&stop)) {
        int number = trigger_new(true);
        *failures += add(number, 7, MINIMIO_READABLE, MINIMIO_LEVEL) != 0;
        int kept = fcntl(number, F_DUPFD_CLOEXEC, KEPT);
        /* A poll may be naming it, until it is forgotten. */
        close(number);
        (void)minimio_registrator_deregister_fd(registrator, number);
        sched_yield();
        close(kept);
    }
    return NULL;
}

static void *wake_all_the_while(void *argument)
{
    int *failures = argument;

    while (!atomic_load(&stop)) {
        *failures += minimio_registrator_wake(registrator) != 0;
        sched_yield();
    }
    return NULL;
}

START_TEST(threads_may_leave_files_behind_wake_and_close_meanwhile)
{
    pthread_t threads[3];
    int failures[3] = {0}, fd = trigger_new(false), told = 0;

    ck_assert_int_eq(add(fd, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    ck_assert_int_eq(pthread_create(&threads[0], NULL, leave_behind_all_the_while, &failures[0]), 0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, leave_behind_all_the_while, &failures[1]), 0);
    ck_assert_int_eq(pthread_create(&threads[2], NULL, wake_all_the_while, &failures[2]), 0);
    for (int round = 0; round < 300; round++) {
        struct minimio_event event;
        trigger_fire(fd);
        bool is_told = false;
        while (!is_told) {
            int count = minimio_poll_poll(queue, &event, 1, PLENTY);
            ck_assert_int_ge(count, 0);
            is_told = count == 1 && minimio_event_id(&event) == 1;
        }
        told++;
        trigger_drain(fd);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(failures[i], 0);
    }
    ck_assert_int_eq(told, 300);
    ck_assert_int_eq(minimio_registrator_close_loop(registrator), 0);
    struct minimio_event event;
    while (minimio_poll_poll(queue, &event, 1, MINIMIO_FOREVER) >= 0)
        ;
    close(fd);
}
END_TEST

Suite *library_hang_ups_posix_suite(void)
{
    Suite *suite = suite_create("library_hang_ups_posix");
    TCase *tests = tcase_create("hang-ups");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up_queue, tear_down_queue);
    tcase_add_loop_test(tests, no_kind_of_file_is_kept_ready_by_what_nobody_asked_for, 0, KINDS * 15);
    tcase_add_test(tests, an_error_of_what_is_no_pipe_closes_nothing);
    tcase_add_loop_test(tests, a_number_that_is_used_again_is_rid_of_its_old_file, 0, 2);
    tcase_add_test(tests, a_closed_number_is_forgotten_when_it_is_deregistered);
    tcase_add_test(tests, the_others_keep_their_registrations);
    tcase_add_test(tests, a_file_that_nobody_registered_is_not_taken_for_the_one_that_was);
    tcase_add_test(tests, a_queue_that_is_nested_goes_on_being_told);
    tcase_add_test(tests, what_a_forked_child_keeps_open_holds_nobody_up);
    tcase_add_test(tests, threads_may_leave_files_behind_wake_and_close_meanwhile);
    suite_add_tcase(suite, tests);
    return suite;
}
