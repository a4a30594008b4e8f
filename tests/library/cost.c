/* SPDX-License-Identifier: MIT */
/*
 * What the library may cost: an event no system call beyond the wait it came with, and a queue nothing that stays.
 * Counting is Linux's own way: the C library's waits are replaced in the whole test program, and a filter kills a
 * process at any other system call.
 */
#include "tests/library/skips.h"
#include "tests/library/support.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *library_cost_suite(void);

static int waits;

/* ---- System calls ----------------------------------------------------------------------------------------------- */

__attribute__((visibility("default"))) int epoll_wait(int fd, struct epoll_event *events, int limit, int timeout_ms)
{
    waits++;
    return (int)syscall(SYS_epoll_pwait, fd, events, limit, timeout_ms, NULL, 8);
}

static bool forbid_all_but_waits(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 5, .filter = steps};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#define SOURCES   64
#define NO_FILTER 3

/* In a child, whose exit status says how it went. */
static int poll_with_waits_alone(enum minimio_mode mode, int polls, int capacity)
{
    struct minimio_event events[SOURCES];
    int total = 0;

    set_up_queue();
    for (minimio_token i = 0; i < SOURCES; i++) {
        int fd = eventfd(1, EFD_CLOEXEC);
        if (minimio_registrator_register_fd(registrator, fd, i, MINIMIO_READABLE, mode) != 0)
            return 1;
    }
    if (!forbid_all_but_waits())
        return NO_FILTER;
    waits = 0;
    for (int i = 0; i < polls; i++) {
        int count = minimio_poll_poll(queue, events, (size_t)capacity, MINIMIO_FOREVER);
        if (count <= 0)
            return 1;
        total += count;
    }
    return total == polls * capacity && waits == polls ? 0 : 2;
}

START_TEST(an_event_costs_no_system_call_but_the_wait)
{
    static const struct {
        enum minimio_mode mode;
        int polls, capacity;
    } cases[] = {
        {MINIMIO_LEVEL, 1000, SOURCES}, {MINIMIO_LEVEL, 1000, 5}, {MINIMIO_EDGE, 1, SOURCES},
        {MINIMIO_EDGE, 8, 8},           {MINIMIO_ONESHOT, 8, 8},
    };
    int status;

    SKIP_ON("kqueue", "the kqueue of the tests makes system calls of its own");
    if (is_slowed_down()) /* whose own system calls these would be */
        return;
    pid_t child = fork();
    if (child == 0)
        _exit(poll_with_waits_alone(cases[_i].mode, cases[_i].polls, cases[_i].capacity));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(!WIFSIGNALED(status), "another system call was made");
    if (WEXITSTATUS(status) == NO_FILTER)
        printf("library: no seccomp here, so system calls cannot be forbidden\n");
    else
        ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* ---- Leaks ------------------------------------------------------------------------------------------------------ */

/*
 * How many bytes are allocated; 0 where a sanitizer has the allocator, which then looks for leaks itself. The C library
 * counts what it keeps for reuse, so a few more are no leak: a byte a round would be.
 */
static size_t allocated(void)
{
    return mallinfo2().uordblks;
}

static void assert_no_leak(void (*use)(void *), void *argument, int rounds)
{
    use(argument);
    int descriptors = open_descriptors();
    size_t before = allocated();
    for (int i = 0; i < rounds; i++)
        use(argument);
    size_t after = allocated();
    ck_assert_msg(after < before + (size_t)rounds, "%zu bytes are left after %d rounds", after - before, rounds);
    ck_assert_int_eq(open_descriptors(), descriptors);
}

static void use_a_queue(void *stream)
{
    set_up_queue();
    ck_assert_int_eq(minimio_registrator_register(registrator, stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    tear_down_queue();
}

START_TEST(a_hundred_thousand_queues_leave_nothing_behind)
{
    struct pair pair;

    pair_open(&pair);
    assert_no_leak(use_a_queue, pair.stream, is_slowed_down() ? 10000 : 100000);
    pair_close(&pair);
}
END_TEST

static void use_a_stream(void *round)
{
    struct minimio_tcp_stream *stream;
    int fds[2];

    connected_pair(fds);
    ck_assert_int_eq(minimio_tcp_stream_from_fd(fds[0], &stream), 0);
    ck_assert_int_eq(minimio_registrator_register(registrator, stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    if (++*(int *)round % 2 == 0)
        ck_assert_int_eq(minimio_registrator_deregister(registrator, stream), 0);
    minimio_tcp_stream_free(stream);
    close(fds[1]);
}

START_TEST(streams_leave_nothing_behind)
{
    int round = 0;

    set_up_queue();
    assert_no_leak(use_a_stream, &round, 20000);
    tear_down_queue();
}
END_TEST

Suite *library_cost_suite(void)
{
    Suite *suite = suite_create("library_cost");
    TCase *tests = tcase_create("cost");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_loop_test(tests, an_event_costs_no_system_call_but_the_wait, 0, 5);
    tcase_add_test(tests, a_hundred_thousand_queues_leave_nothing_behind);
    tcase_add_test(tests, streams_leave_nothing_behind);
    suite_add_tcase(suite, tests);
    return suite;
}
