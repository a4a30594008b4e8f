/* SPDX-License-Identifier: MIT */
/* What the system refuses: memory, descriptors, system calls. */
#include "tests/library/support.h"

#include "tests/fail_alloc.h"
#include "tests/library/skips.h"

#include <errno.h>
#ifndef _WIN32
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#endif
#include <stdio.h>

Suite *library_faults_suite(void);

/* ---- Memory ----------------------------------------------------------------------------------------------------- */

static bool can_fail(void)
{
    if (fail_alloc_works())
        return true;
    printf("library: allocations cannot be made to fail under valgrind\n");
    return false;
}

START_TEST(every_allocation_of_a_new_queue_may_fail)
{
    struct minimio_poll *other = NULL;
    struct minimio_selector *selector = NULL;
    int before = open_descriptors();
    int r = -ENOMEM;

    if (!can_fail())
        return;
    for (long n = 1; r != 0; n++) {
        fail_alloc_after(n);
        r = minimio_poll_new(&other);
        fail_alloc_after(-1);
        if (r != 0) {
            ck_assert_int_eq(r, -ENOMEM);
            ck_assert_ptr_null(other);
            ck_assert_int_eq(open_descriptors(), before);
        }
    }
    minimio_poll_free(other);
    fail_alloc_after(1);
    r = minimio_selector_new(&selector);
    struct minimio_registrator *handle = minimio_poll_registrator(queue);
    long count = fail_alloc_count();
    fail_alloc_after(-1);
    ck_assert_int_eq(r, -ENOMEM);
    ck_assert_ptr_null(selector);
    ck_assert_ptr_null(handle);
    ck_assert_int_eq(count, 2);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(every_allocation_of_a_registration_may_fail)
{
    struct minimio_poll *other;
    struct pair pair;

    if (!can_fail())
        return;
    pair_open(&pair);
    ck_assert_int_eq(minimio_poll_new(&other), 0);
    struct minimio_registrator *handle = minimio_poll_registrator(other);
    ck_assert_int_eq(minimio_registrator_register(handle, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    int r = -ENOMEM;
    for (long n = 1; r != 0; n++) {
        fail_alloc_after(n);
        r = minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE);
        fail_alloc_after(-1);
        ck_assert(r == 0 || r == -ENOMEM);
        if (r == -ENOMEM)
            ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), -ENOENT);
    }
    send_text(pair.peer, "x");
    ck_assert_uint_eq(await_event().token, 1);
    pair_close(&pair);
    minimio_registrator_free(handle);
    minimio_poll_free(other);
}
END_TEST

START_TEST(every_allocation_of_a_stream_may_fail)
{
    struct sockaddr_storage address;
    socklen_t length;
    struct minimio_tcp_stream *stream = NULL;
    char text[32];

    if (!can_fail())
        return;
    minimio_fd listener = listen_on(AF_INET, &address, &length);
    int before = open_descriptors();
    int r;
    fail_alloc_after(1);
    r = minimio_tcp_stream_connect((struct sockaddr *)&address, length, &stream);
    int from_fd = minimio_tcp_stream_from_fd(listener, &stream);
    fail_alloc_after(-1);
    ck_assert_int_eq(r, -ENOMEM);
    ck_assert_int_eq(from_fd, -ENOMEM);
    ck_assert_ptr_null(stream);
    ck_assert_int_eq(open_descriptors(), before);
    snprintf(text, sizeof(text), "127.0.0.1:%d", ntohs(((struct sockaddr_in *)&address)->sin_port));
    for (long n = 1; r != 0; n++) {
        fail_alloc_after(n);
        r = minimio_tcp_stream_connect_host(text, PLENTY, &stream);
        fail_alloc_after(-1);
        /* What the C library makes of it during its lookup is its own. */
        if (r < 0)
            ck_assert_ptr_null(stream);
        ck_assert_int_lt(n, 1000);
    }
    minimio_tcp_stream_free(stream);
    close_fd(listener);
}
END_TEST

START_TEST(polling_and_waking_allocate_nothing)
{
    struct minimio_event event;
    minimio_fd fd = trigger_new(true);

    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    fail_alloc_after(1);
    /* Check's own assertions allocate, so they come after. */
    int results[] = {
        minimio_poll_poll(queue, &event, 1, MINIMIO_FOREVER),
        minimio_registrator_reregister_fd(registrator, fd, 2, MINIMIO_READABLE, MINIMIO_ONESHOT),
        minimio_poll_poll(queue, &event, 1, 1 * MS),
        minimio_registrator_wake(registrator),
        minimio_poll_poll(queue, &event, 1, 1 * MS),
        minimio_registrator_deregister_fd(registrator, fd),
    };
    long count = fail_alloc_count();
    fail_alloc_after(-1);
    ck_assert_mem_eq(results, ((int[]){1, 0, 1, 0, 0, 0}), sizeof(results));
    ck_assert_int_eq(count, 0);
    trigger_free(fd);
}
END_TEST

#ifdef _WIN32

ABSENT_TEST(without_descriptors_there_is_no_queue_and_no_stream, "windows", "a process has no limit of handles to set")
ABSENT_TEST(without_epoll_pwait2_milliseconds_are_rounded_up, "windows", "there is no epoll_pwait2 to do without")

#else

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

START_TEST(without_descriptors_there_is_no_queue_and_no_stream)
{
    struct sockaddr_storage address;
    socklen_t length;
    struct minimio_poll *other = NULL;
    struct minimio_tcp_stream *stream = NULL;
    struct rlimit limit;
    int listener = listen_on(AF_INET, &address, &length);
    int fd = dup(0);
    rlim_t needed = strcmp(minimio_backend(), "kqueue") == 0 ? 1 : 2; /* by a queue */

    close(fd);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (rlim_t left = 0; left < needed; left++) {
        limit.rlim_cur = (rlim_t)fd + left;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_int_eq(minimio_poll_new(&other), -EMFILE);
        ck_assert_ptr_null(other);
        ck_assert_int_eq(minimio_tcp_stream_connect_host("127.0.0.1:1", PLENTY, &stream), -EMFILE);
        if (left == 0)
            ck_assert_int_eq(minimio_tcp_stream_connect((struct sockaddr *)&address, length, &stream), -EMFILE);
        ck_assert_ptr_null(stream);
    }
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    int lowest = dup(0);
    ck_assert_int_eq(lowest, fd);
    close(lowest);
    close(listener);
}
END_TEST

/* ---- System calls ----------------------------------------------------------------------------------------------- */

#ifdef SYS_epoll_pwait2
#define EPOLL_PWAIT2 SYS_epoll_pwait2
#else /* selector_epoll.h may know the number, the same wherever tests run with such old headers */
#define EPOLL_PWAIT2 441
#endif

/* From here on epoll_pwait2 gives this error in this process. False: the kernel has no such filters. */
static bool forbid_epoll_pwait2(int error)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, EPOLL_PWAIT2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = steps};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

START_TEST(without_epoll_pwait2_milliseconds_are_rounded_up)
{
    static const int64_t timeouts[] = {1, 100000, 1 * MS, 3100000};
    struct minimio_event event;

    SKIP_ON("kqueue", "kevent has always had nanoseconds");
    if (!forbid_epoll_pwait2(_i == 0 ? ENOSYS : EPERM)) {
        printf("library: no seccomp here, so epoll_pwait2 cannot be taken away\n");
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        int64_t begin = now_ns();
        ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, timeouts[i]), 0);
        ck_assert_int_ge(now_ns() - begin, timeouts[i]);
    }
    ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, INT64_MAX), 0);
    int fd = eventfd(1, EFD_CLOEXEC);
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, fd, 1, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, INT64_MAX), 1);
    close(fd);
}
END_TEST

#endif

Suite *library_faults_suite(void)
{
    Suite *suite = suite_create("library_faults");
    TCase *tests = tcase_create("faults");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up_queue, tear_down_queue);
    tcase_add_test(tests, every_allocation_of_a_new_queue_may_fail);
    tcase_add_test(tests, every_allocation_of_a_registration_may_fail);
    tcase_add_test(tests, every_allocation_of_a_stream_may_fail);
    tcase_add_test(tests, polling_and_waking_allocate_nothing);
    tcase_add_test(tests, without_descriptors_there_is_no_queue_and_no_stream);
    tcase_add_loop_test(tests, without_epoll_pwait2_milliseconds_are_rounded_up, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
