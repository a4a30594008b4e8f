/* SPDX-License-Identifier: MIT */
/*
 * What calls are not to cost: a system call beyond the platform's own. Counting is Linux's own way: the C library's
 * waits are replaced in the whole test program, and a filter kills a process at any other system call; or a child is
 * traced. Check's assertions are system calls themselves, so there are none in what is counted.
 */
#include "tests/library/support.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *library_system_calls_suite(void);

/* ---- Forbidden by a filter -------------------------------------------------------------------------------------- */

static int waits;

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

/* ---- Counted by tracing ----------------------------------------------------------------------------------------- */

#define TRACED_SOURCES 100
#define MARKER         SYS_getppid /* what is counted stands between two of these */

struct calls {
    int epoll_ctl, epoll_wait, other;
    long other_number;
};

/* Calls of the allocator: a registration may need memory, which sanitizers map. */
static bool wants_memory(long number)
{
#ifdef SYS_mmap
    if (number == SYS_mmap)
        return true;
#endif
    return number == SYS_munmap || number == SYS_madvise || number == SYS_brk;
}

static void count_call(struct calls *calls, long number)
{
    if (wants_memory(number))
        return;
    if (number == SYS_epoll_ctl) {
        calls->epoll_ctl++;
    } else if (number == SYS_epoll_pwait
#ifdef SYS_epoll_wait
               || number == SYS_epoll_wait
#endif
    ) {
        calls->epoll_wait++;
    } else {
        calls->other++;
        calls->other_number = number;
    }
}

/* Lets the traced child run to its next system call and returns the number of it. */
static long next_call(pid_t child)
{
    struct __ptrace_syscall_info info = {.op = PTRACE_SYSCALL_INFO_NONE};

    while (info.op != PTRACE_SYSCALL_INFO_ENTRY) {
        int status;
        ck_assert_int_eq(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFSTOPPED(status), "the traced child ended early: %#x", (unsigned)status);
        ck_assert_int_gt(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info), 0);
    }
    return (long)info.entry.nr;
}

/* The child: a queue of its own with sources that are ready, and the work in the trace of its parent. */
static void run_traced(enum minimio_mode mode, void (*work)(const int *fds))
{
    int fds[TRACED_SOURCES];

    set_up_queue();
    for (int i = 0; i < TRACED_SOURCES; i++) {
        fds[i] = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        ck_assert_int_eq(minimio_registrator_register_fd(registrator, fds[i], (minimio_token)i, MINIMIO_READABLE, mode),
                         0);
    }
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(errno);
    raise(SIGSTOP);
    syscall(MARKER);
    work(fds);
    syscall(MARKER);
    _exit(0);
}

/* Valgrind's own calls would count. */
static bool is_in_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return preload && strstr(preload, "vgpreload");
}

/* False, which is printed: valgrind, or a system that does not let a process trace its child. */
static bool count_calls(enum minimio_mode mode, void (*work)(const int *fds), struct calls *ret_calls)
{
    struct calls calls = {0};
    long number;
    int status;

    if (is_in_valgrind()) {
        puts("library: system calls are not counted under valgrind");
        return false;
    }
    pid_t child = fork();
    if (child == 0)
        run_traced(mode, work);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    if (!WIFSTOPPED(status)) {
        printf("library: system calls are not counted, ptrace: %s\n", strerror(WEXITSTATUS(status)));
        return false;
    }
    ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)),
                     0);
    while (next_call(child) != MARKER)
        ;
    while ((number = next_call(child)) != MARKER)
        count_call(&calls, number);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    *ret_calls = calls;
    return true;
}

static void poll_all(const int *fds)
{
    struct minimio_event events[TRACED_SOURCES + 1];

    (void)fds;
    if (minimio_poll_poll(queue, events, TRACED_SOURCES + 1, MINIMIO_FOREVER) != TRACED_SOURCES)
        _exit(EXIT_FAILURE);
}

static int sockets[TRACED_SOURCES];

static void rearm_all(const int *fds)
{
    for (int i = 0; i < TRACED_SOURCES; i++)
        if (minimio_registrator_reregister_fd(registrator, fds[i], 1, MINIMIO_READABLE, MINIMIO_ONESHOT) != 0)
            _exit(EXIT_FAILURE);
}

START_TEST(events_cost_no_system_call_beyond_the_wait)
{
    static const enum minimio_mode modes[] = {MINIMIO_LEVEL, MINIMIO_EDGE, MINIMIO_ONESHOT};
    struct calls calls;

    SKIP_ON("kqueue", "the kqueue of the tests makes system calls of its own");
    if (!count_calls(modes[_i], poll_all, &calls))
        return;
    ck_assert_int_eq(calls.epoll_wait, 1);
    ck_assert_int_eq(calls.epoll_ctl, 0);
    ck_assert_msg(calls.other == 0, "%d others, the last of them number %ld", calls.other, calls.other_number);
}
END_TEST

START_TEST(arming_a_oneshot_anew_costs_one_system_call)
{
    struct calls calls;

    SKIP_ON("kqueue", "the kqueue of the tests makes system calls of its own");
    if (!count_calls(MINIMIO_ONESHOT, rearm_all, &calls))
        return;
    ck_assert_int_eq(calls.epoll_ctl, TRACED_SOURCES);
    ck_assert_int_eq(calls.epoll_wait, 0);
    ck_assert_msg(calls.other == 0, "%d others, the last of them number %ld", calls.other, calls.other_number);
}
END_TEST

static struct minimio_tcp_stream *connecting;

static void finish(const int *fds)
{
    (void)fds;
    if (minimio_tcp_stream_finish_connect(connecting) != 0)
        _exit(EXIT_FAILURE);
}

/* One for each end: they are compared. */
START_TEST(finishing_a_connect_costs_two_system_calls)
{
    struct sockaddr_storage address;
    struct calls calls;
    socklen_t length;
    minimio_fd listener = listen_on(AF_INET, &address, &length);

    ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&address, length, &connecting), 0);
    close_fd(accept_from(listener));
    if (count_calls(MINIMIO_LEVEL, finish, &calls)) {
        ck_assert_int_eq(calls.epoll_ctl + calls.epoll_wait, 0);
        ck_assert_int_eq(calls.other, 2);
    }
    minimio_tcp_stream_free(connecting);
    close_fd(listener);
}
END_TEST

/* In a queue that has not met a descriptor with such a number yet, and in one that has. */
static void register_sockets(const int *fds)
{
    (void)fds;
    for (int i = 0; i < TRACED_SOURCES; i++)
        if (minimio_registrator_register_socket(registrator, sockets[i], 1, MINIMIO_CLOSED, MINIMIO_EDGE) != 0)
            _exit(EXIT_FAILURE);
}

START_TEST(registering_a_known_socket_costs_one_system_call)
{
    struct calls calls;

    SKIP_ON("kqueue", "the kqueue of the tests makes system calls of its own");
    for (int i = 0; i < TRACED_SOURCES; i++) {
        sockets[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(sockets[i], 0);
    }
    if (!count_calls(MINIMIO_LEVEL, register_sockets, &calls))
        return;
    ck_assert_int_eq(calls.epoll_ctl, TRACED_SOURCES);
    ck_assert_int_eq(calls.epoll_wait, 0);
    ck_assert_msg(calls.other == 0, "%d others, the last of them number %ld", calls.other, calls.other_number);
    close_all(sockets, TRACED_SOURCES);
}
END_TEST

Suite *library_system_calls_suite(void)
{
    Suite *suite = suite_create("library_system_calls");
    TCase *tests = tcase_create("system calls");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_loop_test(tests, an_event_costs_no_system_call_but_the_wait, 0, 5);
    tcase_add_loop_test(tests, events_cost_no_system_call_beyond_the_wait, 0, 3);
    tcase_add_test(tests, arming_a_oneshot_anew_costs_one_system_call);
    tcase_add_test(tests, finishing_a_connect_costs_two_system_calls);
    tcase_add_test(tests, registering_a_known_socket_costs_one_system_call);
    suite_add_tcase(suite, tests);
    return suite;
}
