/* SPDX-License-Identifier: MIT */
/* A forked child execs, exits, or frees what it has copies of: the parent's queue goes on as if nothing were. */
#include "tests/library/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 233
#define HAVE_MALLINFO2
#include <malloc.h>
#endif

Suite *library_fork_suite(void);

static struct pair pair;

static void set_up(void)
{
    set_up_queue();
    pair_open(&pair);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
}

static void tear_down(void)
{
    pair_close(&pair);
    tear_down_queue();
}

static void assert_child_succeeds(pid_t child)
{
    int status;

    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

/* Every service of the queue. */
static void assert_unaffected(void)
{
    for (int i = 0; i < 2; i++) {
        send_text(pair.peer, "x");
        struct minimio_event event = await_event();
        ck_assert_uint_eq(minimio_event_id(&event), 1);
        ck_assert(!minimio_event_is_read_closed(&event));
        ck_assert_uint_eq(drain(pair.stream), 1);
    }
    assert_quiet();
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 2, MINIMIO_READABLE, MINIMIO_EDGE),
                     -EEXIST);
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &(struct minimio_event){0}, 1, MINIMIO_FOREVER), 0);
    ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), 0);
}

START_TEST(a_child_that_exits_affects_nothing)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    assert_child_succeeds(child);
    assert_unaffected();
}
END_TEST

START_TEST(a_child_that_frees_everything_affects_nothing)
{
    pid_t child = fork();

    if (child == 0) {
        if (_i % 2 == 0)
            minimio_tcp_stream_free(pair.stream);
        minimio_poll_free(queue);
        minimio_registrator_free(registrator);
        if (_i % 2 == 1)
            minimio_tcp_stream_free(pair.stream);
        _exit(0);
    }
    assert_child_succeeds(child);
    assert_unaffected();
}
END_TEST

START_TEST(a_child_that_uses_it_all_the_same_is_refused)
{
    pid_t child = fork();

    if (child == 0) {
        int fd = minimio_tcp_stream_fd(pair.stream);
        int bad =
            minimio_registrator_register_fd(registrator, pair.peer, 9, MINIMIO_READABLE, MINIMIO_EDGE) != -ECANCELED;
        bad |= minimio_registrator_reregister_fd(registrator, fd, 9, MINIMIO_READABLE, MINIMIO_EDGE) != -ECANCELED;
        bad |= minimio_registrator_deregister_fd(registrator, fd) != -ECANCELED;
        bad |= minimio_registrator_wake(registrator) != -ECANCELED;
        bad |= minimio_registrator_close_loop(registrator) != -ECANCELED;
        bad |= minimio_poll_fd(queue) != -ECANCELED;
        _exit(bad);
    }
    assert_child_succeeds(child);
    assert_unaffected();
}
END_TEST

/* What the child takes, the parent would wait for in vain. */
START_TEST(a_child_s_poll_is_refused_and_takes_no_event)
{
    enum minimio_mode mode = (enum minimio_mode)(_i % 3);
    struct minimio_selector *selector;
    struct minimio_event event;

    ck_assert_int_eq(minimio_selector_new(&selector), 0);
    struct minimio_registrator *handle = minimio_selector_registrator(selector);
    ck_assert_int_eq(minimio_registrator_register(handle, pair.stream, 2, MINIMIO_READABLE, mode), 0);
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 1, MINIMIO_READABLE, mode), 0);
    send_text(pair.peer, "x");
    pid_t child = fork();
    if (child == 0) {
        bool bad = minimio_poll_poll(queue, &event, 1, 0) != -ECANCELED;
        bad |= minimio_poll_poll(queue, &event, 1, MINIMIO_FOREVER) != -ECANCELED;
        bad |= minimio_poll_poll(queue, &event, 0, 0) != -EINVAL;
        bad |= minimio_selector_select(selector, &event, 1, 0) != -ECANCELED;
        bad |= minimio_selector_select(selector, &event, 1, PLENTY) != -ECANCELED;
        _exit(bad);
    }
    assert_child_succeeds(child);
    event = await_event();
    ck_assert_uint_eq(minimio_event_id(&event), 1);
    ck_assert_int_eq(minimio_selector_select(selector, &event, 1, PLENTY), 1);
    ck_assert_uint_eq(minimio_event_id(&event), 2);
    minimio_registrator_free(handle);
    minimio_selector_free(selector);
}
END_TEST

/* A queue of its own is the child's as any other's. */
START_TEST(a_child_may_make_a_queue_of_its_own)
{
    struct minimio_event event;
    pid_t child = fork();

    if (child == 0) {
        struct minimio_poll *own;
        bool bad = minimio_poll_new(&own) != 0;
        struct minimio_registrator *handle = minimio_poll_registrator(own);
        int fd = eventfd(1, EFD_CLOEXEC);
        bad |= minimio_registrator_register_fd(handle, fd, 3, MINIMIO_READABLE, MINIMIO_EDGE) != 0;
        bad |= minimio_poll_poll(own, &event, 1, PLENTY) != 1 || minimio_event_id(&event) != 3;
        _exit(bad);
    }
    assert_child_succeeds(child);
    assert_unaffected();
}
END_TEST

START_TEST(a_child_that_execs_inherits_no_descriptor)
{
    char command[256];
    int nesting = minimio_poll_fd(queue);

    ck_assert_int_ge(nesting, 0);
    pid_t child = fork();
    if (child == 0) {
        snprintf(command, sizeof(command), "test ! -e /proc/self/fd/%d && test ! -e /proc/self/fd/%d", nesting,
                 minimio_tcp_stream_fd(pair.stream));
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_child_succeeds(child);
    assert_unaffected();
}
END_TEST

/* Another thread registers all the while, so that a fork may come while it holds the lock. */
static atomic_bool stop;
static atomic_int failures; /* counted, for what Check allocates in this thread would be lost in the child */

static void *register_all_the_while(void *unused)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    (void)unused;
    while (!atomic_load(&stop)) {
        int r = minimio_registrator_register_fd(registrator, fd, 7, MINIMIO_READABLE, MINIMIO_EDGE);
        if (r != 0 || minimio_registrator_deregister_fd(registrator, fd) != 0)
            atomic_fetch_add(&failures, 1);
    }
    close(fd);
    return NULL;
}

START_TEST(a_child_frees_what_was_locked_when_it_was_forked)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, register_all_the_while, NULL), 0);
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (child == 0) {
            minimio_tcp_stream_free(pair.stream);
            minimio_poll_free(queue);
            _exit(0);
        }
        assert_child_succeeds(child);
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    ck_assert_int_eq(atomic_load(&failures), 0);
    assert_unaffected();
}
END_TEST

#ifdef HAVE_MALLINFO2
/* What is asked of the C library, to be told of forks, is asked once. A sanitizer's allocator counts nothing here. */
START_TEST(queues_that_are_gone_leave_nothing)
{
    struct minimio_poll *another;
    struct mallinfo2 before = {0}, after;

    for (int i = 0; i < 3000; i++) {
        if (i == 1000)
            before = mallinfo2();
        ck_assert_int_eq(minimio_poll_new(&another), 0);
        minimio_poll_free(another);
    }
    after = mallinfo2();
    ck_assert_uint_le(after.uordblks + after.hblkhd, before.uordblks + before.hblkhd + 4096);
}
END_TEST
#endif

Suite *library_fork_suite(void)
{
    Suite *suite = suite_create("library_fork");
    TCase *tests = tcase_create("fork");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_child_that_exits_affects_nothing);
    tcase_add_loop_test(tests, a_child_that_frees_everything_affects_nothing, 0, 2);
    tcase_add_test(tests, a_child_that_uses_it_all_the_same_is_refused);
    tcase_add_loop_test(tests, a_child_s_poll_is_refused_and_takes_no_event, 0, 3);
    tcase_add_test(tests, a_child_may_make_a_queue_of_its_own);
    tcase_add_test(tests, a_child_that_execs_inherits_no_descriptor);
    tcase_add_test(tests, a_child_frees_what_was_locked_when_it_was_forked);
#ifdef HAVE_MALLINFO2
    tcase_add_test(tests, queues_that_are_gone_leave_nothing);
#endif
    suite_add_tcase(suite, tests);
    return suite;
}
