/* SPDX-License-Identifier: MIT */
/* The kqueue over epoll does what the kernels do, as far as the backend relies on it. */
#include "tests/kqueue/kqueue.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *kqueue_stand_in_suite(void);

static int queue_fd;

static void set_up(void)
{
    queue_fd = kqueue();
    ck_assert_int_ge(queue_fd, 0);
}

static void tear_down(void)
{
    close(queue_fd);
}

/* 0, or what the change failed with. */
static int apply(int fd, int filter, unsigned flags, unsigned fflags)
{
    struct kevent change = {.ident = (uintptr_t)fd, .filter = filter, .flags = flags, .fflags = fflags};

    return kevent(queue_fd, &change, 1, NULL, 0, NULL) == 0 ? 0 : errno;
}

static struct kevent event;

static int fetch(void)
{
    struct timespec now = {0};

    return kevent(queue_fd, NULL, 0, &event, 1, &now);
}

static int ready_fd(void)
{
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);

    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(adding_twice_changes_silently_but_not_the_flags)
{
    int fd = ready_fd();
    struct kevent change = {.ident = (uintptr_t)fd, .filter = EVFILT_READ, .flags = EV_ADD | EV_CLEAR};

    change.udata = (__typeof__(change.udata))1;
    ck_assert_int_eq(kevent(queue_fd, &change, 1, NULL, 0, NULL), 0);
    ck_assert_int_eq(fetch(), 1);
    change.flags = EV_ADD;
    change.udata = (__typeof__(change.udata))2;
    ck_assert_int_eq(kevent(queue_fd, &change, 1, NULL, 0, NULL), 0);
    ck_assert_int_eq(fetch(), 1);
    ck_assert(event.udata == change.udata);
    ck_assert_int_eq(fetch(), 0);
    close(fd);
}
END_TEST

START_TEST(changes_of_what_is_not_there_are_enoent)
{
    static const unsigned flags[] = {0, EV_DELETE, EV_ENABLE, EV_DISABLE};
    int fd = ready_fd();

    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(apply(fd, EVFILT_READ, flags[i], 0), ENOENT);
    close(fd);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(apply(fd, EVFILT_READ, flags[i], 0), EBADF);
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ADD, 0), EBADF);
}
END_TEST

START_TEST(modes_are_flags)
{
    int fd = ready_fd();

    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ADD, 0), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(fetch(), 1);
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_DELETE, 0), 0);
    ck_assert_int_eq(fetch(), 0);
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(fetch(), 1);
        ck_assert_int_eq(fetch(), 0);
        ck_assert_int_eq(eventfd_write(fd, 1), 0);
    }
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_DELETE, 0), 0);
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ADD | EV_ONESHOT, 0), 0);
    ck_assert_int_eq(fetch(), 1);
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_DELETE, 0), ENOENT);
    close(fd);
}
END_TEST

START_TEST(what_is_disabled_is_quiet_until_it_is_enabled)
{
    int fd = ready_fd();

    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ADD, 0), 0);
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_DISABLE, 0), 0);
    ck_assert_int_eq(fetch(), 0);
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ENABLE, 0), 0);
    ck_assert_int_eq(fetch(), 1);
#ifdef EV_DISPATCH
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_DELETE, 0), 0);
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ADD | EV_DISPATCH, 0), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(fetch(), 1);
        ck_assert_int_eq(fetch(), 0);
        ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ENABLE, 0), 0);
    }
#endif
    close(fd);
}
END_TEST

START_TEST(what_is_over_by_the_time_is_not_reported)
{
    eventfd_t value;
    int fd = ready_fd();

    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0), 0);
    ck_assert_int_eq(eventfd_read(fd, &value), 0);
    ck_assert_int_eq(fetch(), 0);
    close(fd);
}
END_TEST

START_TEST(filters_are_told_apart_and_tell_of_their_ends)
{
    int fds[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    ck_assert_int_eq(apply(fds[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0), 0);
    ck_assert_int_eq(apply(fds[0], EVFILT_WRITE, EV_ADD | EV_CLEAR, 0), 0);
    ck_assert_int_eq(fetch(), 1);
    ck_assert(event.filter == EVFILT_WRITE);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(fetch(), 1);
    ck_assert(event.filter == EVFILT_READ && !(event.flags & EV_EOF));
    ck_assert_int_eq(fetch(), 0);
    ck_assert_int_eq(apply(fds[0], EVFILT_WRITE, EV_DELETE, 0), 0);
    ck_assert_int_eq(shutdown(fds[1], SHUT_WR), 0);
    ck_assert_int_eq(fetch(), 1);
    ck_assert(event.flags & EV_EOF);
    ck_assert_int_eq(apply(fds[0], EVFILT_WRITE, EV_ADD, 0), 0);
    ck_assert_int_eq(fetch(), 1);
    ck_assert(event.filter == EVFILT_WRITE && !(event.flags & EV_EOF));
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(closing_the_number_drops_the_knote_whatever_duplicates_there_are)
{
    int fd = ready_fd();
    int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 100);

    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ADD, 0), 0);
    close(fd);
    ck_assert_int_eq(fetch(), 0);
    ck_assert_int_eq(fcntl(duplicate, F_DUPFD_CLOEXEC, fd), fd);
    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ENABLE, 0), ENOENT);
    close(fd);
    close(duplicate);
}
END_TEST

START_TEST(a_forked_child_has_no_kqueue)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(fcntl(queue_fd, F_GETFD) >= 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(fetch(), 0);
}
END_TEST

START_TEST(a_file_is_taken_and_called_ready)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(apply(fd, EVFILT_READ, EV_ADD, 0), 0);
    ck_assert_int_eq(fetch(), 1);
    close(fd);
}
END_TEST

START_TEST(changes_stop_at_the_first_that_fails)
{
    int fd = ready_fd();
    struct kevent changes[] = {
        {.ident = (uintptr_t)fd, .filter = EVFILT_READ, .flags = EV_ADD},
        {.ident = (uintptr_t)fd, .filter = EVFILT_WRITE, .flags = EV_DELETE},
        {.ident = (uintptr_t)fd, .filter = EVFILT_READ, .flags = EV_DELETE},
    };

    ck_assert_int_eq(kevent(queue_fd, changes, 3, NULL, 0, NULL), -1);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(fetch(), 1);
    close(fd);
}
END_TEST

#ifdef EVFILT_USER
START_TEST(a_user_event_is_told_once_unless_a_change_clears_it)
{
    ck_assert_int_eq(apply(0, EVFILT_USER, EV_ADD | EV_CLEAR, 0), 0);
    ck_assert_int_eq(fetch(), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(apply(0, EVFILT_USER, 0, NOTE_TRIGGER), 0);
    ck_assert_int_eq(fetch(), 1);
    ck_assert_int_eq(fetch(), 0);
    ck_assert_int_eq(apply(0, EVFILT_USER, EV_CLEAR, NOTE_TRIGGER), 0);
    ck_assert_int_eq(fetch(), 0);
}
END_TEST
#endif

Suite *kqueue_stand_in_suite(void)
{
    Suite *suite = suite_create("kqueue_stand_in");
    TCase *tests = tcase_create("stand in");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, adding_twice_changes_silently_but_not_the_flags);
    tcase_add_test(tests, changes_of_what_is_not_there_are_enoent);
    tcase_add_test(tests, modes_are_flags);
    tcase_add_test(tests, what_is_disabled_is_quiet_until_it_is_enabled);
    tcase_add_test(tests, what_is_over_by_the_time_is_not_reported);
    tcase_add_test(tests, filters_are_told_apart_and_tell_of_their_ends);
    tcase_add_test(tests, closing_the_number_drops_the_knote_whatever_duplicates_there_are);
    tcase_add_test(tests, a_forked_child_has_no_kqueue);
    tcase_add_test(tests, a_file_is_taken_and_called_ready);
    tcase_add_test(tests, changes_stop_at_the_first_that_fails);
#ifdef EVFILT_USER
    tcase_add_test(tests, a_user_event_is_told_once_unless_a_change_clears_it);
#endif
    suite_add_tcase(suite, tests);
    return suite;
}
