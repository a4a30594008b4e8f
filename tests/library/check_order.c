/* SPDX-License-Identifier: MIT */
/*
 * Of several things that are wrong with a call the first in the contract's order is told, in every combination:
 * -EINVAL, -ECANCELED, -EBADF, -EPERM, then -EEXIST or -ENOENT. A call that is refused changes nothing.
 */
#include "tests/library/support.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

Suite *library_check_order_suite(void);

enum target {
    CLOSED,       /* a descriptor that is closed */
    UNWAITABLE,   /* a file */
    UNREGISTERED, /* a socket */
    REGISTERED,   /* another */
    TARGETS,
};

enum state {
    OPEN,
    CLOSED_LOOP,
    FREED,
    STATES,
};

static int sockets[2];
static int targets[TARGETS];

static void set_up(void)
{
    set_up_queue();
    connected_pair(sockets);
    targets[UNWAITABLE] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(targets[UNWAITABLE], 0);
    targets[UNREGISTERED] = sockets[1];
    targets[REGISTERED] = sockets[0];
    ck_assert_int_eq(minimio_registrator_register_fd(registrator, sockets[0], 7, MINIMIO_READABLE, MINIMIO_LEVEL), 0);
    /* Last, so that its number is not taken again. */
    targets[CLOSED] = dup(sockets[0]);
    close(targets[CLOSED]);
}

static void tear_down(void)
{
    tear_down_queue();
    for (int target = UNWAITABLE; target < TARGETS; target++)
        close(targets[target]);
}

static void enter(enum state state)
{
    if (state == CLOSED_LOOP)
        ck_assert_int_eq(minimio_registrator_close_loop(registrator), 0);
    if (state == FREED)
        queue = minimio_poll_free(queue);
}

enum call { REGISTER, REGISTER_SOCKET, REREGISTER, CALLS };

static int expected_of_change(bool is_valid, enum state state, enum target target, bool is_register)
{
    if (!is_valid)
        return -EINVAL;
    if (state != OPEN)
        return -ECANCELED;
    if (target == CLOSED)
        return -EBADF;
    if (target == UNWAITABLE)
        return -EPERM;
    if (is_register)
        return target == REGISTERED ? -EEXIST : 0;
    return target == REGISTERED ? 0 : -ENOENT;
}

static void assert_call(enum state state, enum target target, unsigned interests, int mode, enum call call)
{
    static int (*const calls[])(struct minimio_registrator *, minimio_fd, minimio_token, minimio_interests,
                                enum minimio_mode) = {
        minimio_registrator_register_fd, minimio_registrator_register_socket, minimio_registrator_reregister_fd};
    bool is_register = call != REREGISTER;
    bool is_valid = interests > 0 && interests < 8 && mode >= MINIMIO_ONESHOT && mode <= MINIMIO_LEVEL;
    int expected = expected_of_change(is_valid, state, target, is_register);

    int r = calls[call](registrator, targets[target], 7, (minimio_interests)interests, (enum minimio_mode)mode);
    if (r == -ENOTSUP && expected == 0 && (interests & MINIMIO_PRIORITY))
        return; /* which comes last */
    ck_assert_msg(r == expected, "state %d, target %d, interests %#x, mode %d, call %d: %d, not %d", (int)state,
                  (int)target, interests, mode, (int)call, r, expected);
    if (r == 0 && is_register)
        ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, targets[target]), 0);
}

START_TEST(what_is_wrong_is_told_in_order_in_every_combination)
{
    static const unsigned interests[] = {0, 1, 2, 3, 4, 5, 6, 7, 0x08, 0x0a, 0x10, 0x80, 0xff};
    static const int modes[] = {-1, MINIMIO_ONESHOT, MINIMIO_EDGE, MINIMIO_LEVEL, 3, INT32_MAX, INT32_MIN};

    enter((enum state)_i);
    for (int target = 0; target < TARGETS; target++)
        for (size_t i = 0; i < sizeof(interests) / sizeof(interests[0]); i++)
            for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
                for (int call = 0; call < CALLS; call++)
                    assert_call((enum state)_i, (enum target)target, interests[i], modes[m], (enum call)call);
}
END_TEST

START_TEST(what_was_refused_changes_nothing)
{
    for (int target = 0; target < TARGETS; target++)
        for (unsigned interests = 0; interests <= 8; interests += 8)
            for (int call = 0; call < CALLS; call++)
                assert_call(OPEN, (enum target)target, interests, MINIMIO_EDGE, (enum call)call);
    assert_call(OPEN, REGISTERED, MINIMIO_WRITABLE, MINIMIO_EDGE, REGISTER);
    assert_call(OPEN, REGISTERED, MINIMIO_WRITABLE, MINIMIO_EDGE, REGISTER_SOCKET);
    assert_quiet();
    send_text(sockets[1], "x");
    for (int i = 0; i < 2; i++) { /* level-triggered and readable, as it was */
        struct minimio_event event = await_event();
        ck_assert_uint_eq(minimio_event_id(&event), 7);
        ck_assert(minimio_event_is_readable(&event));
        ck_assert(!minimio_event_is_writable(&event));
    }
}
END_TEST

START_TEST(deregister_tells_in_order)
{
    static const int expected[STATES][TARGETS] = {
        [OPEN] = {-EBADF, -ENOENT, -ENOENT, 0},
        [CLOSED_LOOP] = {-EBADF, -ENOENT, -ENOENT, 0},
        [FREED] = {-ECANCELED, -ECANCELED, -ECANCELED, -ECANCELED},
    };

    enter((enum state)_i);
    for (int target = 0; target < TARGETS; target++)
        ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, targets[target]), expected[_i][target]);
}
END_TEST

START_TEST(a_poll_tells_a_capacity_of_nothing_first)
{
    struct minimio_event event;
    struct minimio_selector *selector;

    ck_assert_int_eq(minimio_selector_new(&selector), 0);
    struct minimio_registrator *handle = minimio_selector_registrator(selector);
    for (int closed = 0; closed < 2; closed++) {
        ck_assert_int_eq(minimio_poll_poll(queue, &event, 0, 0), -EINVAL);
        ck_assert_int_eq(minimio_poll_poll(queue, NULL, 0, MINIMIO_FOREVER), -EINVAL);
        ck_assert_int_eq(minimio_selector_select(selector, &event, 0, MINIMIO_FOREVER), -EINVAL);
        minimio_registrator_close_loop(registrator);
        minimio_registrator_close_loop(handle);
    }
    ck_assert_int_eq(minimio_poll_poll(queue, &event, 1, MINIMIO_FOREVER), -ECANCELED);
    ck_assert_int_eq(minimio_selector_select(selector, &event, 1, MINIMIO_FOREVER), -ECANCELED);
    minimio_registrator_free(handle);
    minimio_selector_free(selector);
}
END_TEST

START_TEST(every_call_of_a_stream_s_registration_is_refused_once_the_queue_is_gone)
{
    struct pair pair;

    pair_open(&pair);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE), 0);
    enter(FREED);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, 0, MINIMIO_EDGE), -EINVAL);
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 1, 0, MINIMIO_EDGE), -EINVAL);
    ck_assert_int_eq(minimio_registrator_register(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE),
                     -ECANCELED);
    ck_assert_int_eq(minimio_registrator_reregister(registrator, pair.stream, 1, MINIMIO_READABLE, MINIMIO_EDGE),
                     -ECANCELED);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(minimio_registrator_deregister(registrator, pair.stream), -ECANCELED);
        ck_assert_int_eq(minimio_registrator_wake(registrator), -ECANCELED);
        ck_assert_int_eq(minimio_registrator_close_loop(registrator), -ECANCELED);
    }
    ck_assert_int_eq(minimio_tcp_stream_write(pair.stream, "x", 1), 1);
    pair_close(&pair);
}
END_TEST

Suite *library_check_order_suite(void)
{
    Suite *suite = suite_create("library_check_order");
    TCase *tests = tcase_create("order of checks");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_is_wrong_is_told_in_order_in_every_combination, 0, STATES);
    tcase_add_test(tests, what_was_refused_changes_nothing);
    tcase_add_loop_test(tests, deregister_tells_in_order, 0, STATES);
    tcase_add_test(tests, a_poll_tells_a_capacity_of_nothing_first);
    tcase_add_test(tests, every_call_of_a_stream_s_registration_is_refused_once_the_queue_is_gone);
    suite_add_tcase(suite, tests);
    return suite;
}
