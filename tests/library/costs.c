/* SPDX-License-Identifier: MIT */
/*
 * What calls are not to cost: a system call beyond the platform's own, a function call for an answer that is at hand.
 * Check's assertions are system calls themselves, so there are none in what is counted.
 */
#include "tests/library/skips.h"
#include "tests/library/support.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *library_costs_suite(void);

#define SOURCES 100
#define MARKER  SYS_getppid /* what is counted stands between two of these */

/* ---- System calls ----------------------------------------------------------------------------------------------- */

struct calls {
    int epoll_ctl, epoll_wait, other;
    long other_number;
};

static void count_call(struct calls *calls, long number)
{
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
    int fds[SOURCES];

    set_up_queue();
    for (int i = 0; i < SOURCES; i++) {
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
    struct minimio_event events[SOURCES + 1];

    (void)fds;
    if (minimio_poll_poll(queue, events, SOURCES + 1, MINIMIO_FOREVER) != SOURCES)
        _exit(EXIT_FAILURE);
}

static void rearm_all(const int *fds)
{
    for (int i = 0; i < SOURCES; i++)
        if (minimio_registrator_reregister_fd(registrator, fds[i], 1, MINIMIO_READABLE, MINIMIO_ONESHOT) != 0)
            _exit(EXIT_FAILURE);
}

static void register_all_anew(const int *fds)
{
    for (int i = 0; i < SOURCES; i++)
        if (minimio_registrator_deregister_fd(registrator, fds[i]) != 0 ||
            minimio_registrator_register_socket(registrator, fds[i], 1, MINIMIO_READABLE, MINIMIO_EDGE) != 0)
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
    ck_assert_int_eq(calls.epoll_ctl, SOURCES);
    ck_assert_int_eq(calls.epoll_wait, 0);
    ck_assert_msg(calls.other == 0, "%d others, the last of them number %ld", calls.other, calls.other_number);
}
END_TEST

/* What they are is not looked at. */
START_TEST(registering_a_socket_costs_one_system_call)
{
    struct calls calls;

    SKIP_ON("kqueue", "the kqueue of the tests makes system calls of its own");
    if (!count_calls(MINIMIO_EDGE, register_all_anew, &calls))
        return;
    ck_assert_int_eq(calls.epoll_ctl, 2 * SOURCES);
    ck_assert_int_eq(calls.epoll_wait, 0);
    ck_assert_msg(calls.other == 0, "%d others, the last of them number %ld", calls.other, calls.other_number);
}
END_TEST

/* ---- Answers in place ------------------------------------------------------------------------------------------- */

/* minimio.h gives the answers in place; by pointer they are the library's own. */
START_TEST(answers_in_place_are_the_library_s)
{
    static bool (*const volatile library[])(const struct minimio_event *) = {
        minimio_event_is_readable,     minimio_event_is_writable, minimio_event_is_read_closed,
        minimio_event_is_write_closed, minimio_event_is_error,    minimio_event_is_priority};
    struct minimio_event event = {.token = UINT64_MAX - _i, .readiness = (uint32_t)_i};
    const bool in_place[] = {minimio_event_is_readable(&event),    minimio_event_is_writable(&event),
                             minimio_event_is_read_closed(&event), minimio_event_is_write_closed(&event),
                             minimio_event_is_error(&event),       minimio_event_is_priority(&event)};

    for (size_t i = 0; i < sizeof(in_place) / sizeof(in_place[0]); i++)
        ck_assert_msg(library[i](&event) == in_place[i], "answer %zu of readiness %#x", i, event.readiness);
    minimio_token (*const volatile id)(const struct minimio_event *) = minimio_event_id;
    ck_assert_uint_eq(id(&event), minimio_event_id(&event));
}
END_TEST

Suite *library_costs_suite(void)
{
    Suite *suite = suite_create("library_costs");
    TCase *tests = tcase_create("costs");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_loop_test(tests, events_cost_no_system_call_beyond_the_wait, 0, 3);
    tcase_add_test(tests, arming_a_oneshot_anew_costs_one_system_call);
    tcase_add_test(tests, registering_a_socket_costs_one_system_call);
    tcase_add_loop_test(tests, answers_in_place_are_the_library_s, 0, 64);
    suite_add_tcase(suite, tests);
    return suite;
}
