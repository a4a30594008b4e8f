/* SPDX-License-Identifier: MIT */
/*
 * Recording of named loops, against a service manager of the test's own: a datagram socket that is read when the test
 * says so. Streams end while their descriptor is queued for the manager, in flight, or stored.
 */
#include "daemon/keep/recorder.h"

#include "daemon/loops/persist.h"
#include "daemon/loops/stream.h"
#include "daemon/manager/store_names.h"
#include "daemon/sessions/attach.h"
#include "daemon/sessions/sessions.h"
#include "tests/fail_alloc.h"
#include "tests/skip.h"
#include "tests/unit/fixture.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

Suite *unit_recorder_suite(void);

#define STORE_MAX 100

static struct manager *manager;
static int manager_end = -1; /* the manager's socket */

static struct recorder *recorder(void)
{
    return &context.loops.recorder;
}

/* ---- A manager -------------------------------------------------------------------------------------------------- */

static void open_manager(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address.sun_family; /* the kernel chooses an abstract name */
    char name[sizeof address.sun_path + 1] = "@";

    manager_end = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(manager_end, (struct sockaddr *)&address, size), 0);
    size = sizeof address;
    ck_assert_int_eq(getsockname(manager_end, (struct sockaddr *)&address, &size), 0);
    memcpy(name + 1, address.sun_path + 1, size - sizeof address.sun_family - 1);
    setenv("NOTIFY_SOCKET", name, 1);
    ck_assert_int_eq(manager_new(&context.turn.reactor, &manager), 0);
    manager_set_store_max(manager, STORE_MAX);
    recorder()->manager = manager;
}

/* Reads all messages. The manager keeps no descriptor: a closed barrier confirms the messages before the barrier. */
static void read_messages(void)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char text[512];
    struct iovec piece = {.iov_base = text, .iov_len = sizeof text};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control};

    for (;;) {
        int fd;

        message.msg_controllen = sizeof control;
        if (recvmsg(manager_end, &message, MSG_CMSG_CLOEXEC) < 0)
            return;
        if (!message.msg_controllen)
            continue;
        memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
        close(fd);
    }
}

static void settle(void)
{
    while (!manager_is_synced(manager)) {
        manager_turn(manager);
        read_messages();
        fixture_collect_events();
    }
}

static void set_up(void)
{
    fixture_set_up();
    open_manager();
    ck_assert_int_eq(ledger_new(&recorder()->ledger), 0);
}

static void tear_down(void)
{
    sessions_free_all(&context);
    sessions_close_loops(&context);
    manager = manager_free(manager);
    if (manager_end >= 0)
        close(manager_end);
    fixture_tear_down();
}

/* ---- Loops and streams ------------------------------------------------------------------------------------------ */

static struct loop *make_loop(const char *name)
{
    struct account *account = accounts_restore_loop(&context.accounts, getuid());
    struct loop *loop;

    ck_assert_ptr_nonnull(account);
    loop = loop_new(&context.loops, account, name);
    ck_assert_ptr_nonnull(loop);
    return loop;
}

static struct loop *record_loop(const char *name)
{
    struct loop *loop = make_loop(name);

    persist_loop_added(loop);
    ck_assert_uint_ne(loop->entry, LEDGER_NO_ENTRY);
    return loop;
}

static bool has_entry(const struct stream *stream)
{
    struct ledger_stream found;

    return ledger_get_stream(recorder()->ledger, stream->entry, &found) == 0 && found.token == stream->token;
}

static uint32_t count_entries(void)
{
    const struct ledger *ledger = recorder()->ledger;
    struct ledger_stream stream;
    struct ledger_loop loop;
    uint32_t count = 0;

    for (uint32_t entry = 1; entry <= ledger_count(ledger); entry++)
        count += ledger_get_loop(ledger, entry, &loop) == 0 || ledger_get_stream(ledger, entry, &stream) == 0;
    return count;
}

/* close() of a pipe never waits, so the daemon closes a pipe at once. Returns the write end. */
static int add_pipe(struct loop *loop, uint64_t token, struct stream **ret_stream)
{
    struct fault fault;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(accounts_add_registration(&context.accounts, loop->account, &fault), 0);
    *ret_stream = stream_new(loop, token, (struct span){0}, READY_READABLE, MODE_EDGE);
    ck_assert_int_eq(stream_adopt(&context.turn.reactor, *ret_stream, ends[0], FD_KIND_OTHER), 0);
    return ends[1];
}

/* Whether no process has the read end. */
static bool is_closed(int write_end)
{
    struct pollfd end = {.fd = write_end};

    return poll(&end, 1, 0) == 1 && end.revents & POLLERR;
}

/* ---- Failures --------------------------------------------------------------------------------------------------- */

/* Records a loop and a stream. Returns the result of opening the stream. */
static int record_both(struct loop *loop, struct stream *stream, int fd)
{
    persist_loop_added(loop);
    return stream_adopt(&context.turn.reactor, stream, fd, FD_KIND_OTHER);
}

/* Nothing is recorded in part, and a loop that would not survive says so. */
START_TEST(each_allocation_of_recording_may_fail)
{
    bool whole = false;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !whole; n++) {
        struct loop *loop = make_loop("one");
        struct stream *stream = stream_new(loop, 1, (struct span){0}, READY_READABLE, MODE_EDGE);
        int ends[2], opened;

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        accounts_restore_registration(&context.accounts, loop->account);
        fail_alloc_after(n);
        opened = record_both(loop, stream, ends[0]);
        whole = fail_alloc_count() < n;
        fail_alloc_after(-1);
        if (opened < 0)
            close(ends[0]);
        else
            ck_assert_int_eq(loop->not_durable, stream->entry == LEDGER_NO_ENTRY);
        ck_assert_int_eq(stream->entry != LEDGER_NO_ENTRY, whole);
        ck_assert(!whole || (has_entry(stream) && opened == 0));
        ck_assert_uint_eq(count_entries(), (uint32_t)(loop->entry != LEDGER_NO_ENTRY) + whole);
        attach_close(&context, loop);
        settle();
        ck_assert_uint_eq(count_entries(), 0);
        ck_assert(is_closed(ends[1]));
        close(ends[1]);
    }
}
END_TEST

START_TEST(a_full_store_records_no_part_of_a_stream)
{
    struct loop *loop = record_loop("one");
    struct stream *first, *second, *third;
    int peers[3];

    manager_set_store_max(manager, 1);
    peers[0] = add_pipe(loop, 1, &first);
    peers[1] = add_pipe(loop, 2, &second);
    ck_assert_uint_ne(first->entry, LEDGER_NO_ENTRY);
    ck_assert_uint_eq(second->entry, LEDGER_NO_ENTRY);
    ck_assert_uint_eq(count_entries(), 2);
    settle();
    ck_assert(!persist_is_durable(loop));
    stream_deregister(&context.turn.reactor, first);
    peers[2] = add_pipe(loop, 3, &third);
    ck_assert(has_entry(third));
    attach_close(&context, loop);
    settle();
    for (int i = 0; i < 3; i++)
        close(peers[i]);
}
END_TEST

/* Ids begin again at 1. An id that is still in use is never given to two streams. */
START_TEST(ids_that_begin_again_name_one_stream_each)
{
    struct loop *loop = record_loop("one");
    struct stream *old, *last, *next;
    int peers[3];

    peers[0] = add_pipe(loop, 1, &old);
    recorder()->last_id = STORE_ID_MAX - 1;
    peers[1] = add_pipe(loop, 2, &last);
    ck_assert_uint_eq(recorder()->last_id, STORE_ID_MAX);
    ck_assert(has_entry(last));
    peers[2] = add_pipe(loop, 3, &next);
    ck_assert_uint_eq(recorder()->last_id, 1);
    ck_assert_uint_eq(next->entry, LEDGER_NO_ENTRY);
    ck_assert(loop->not_durable);
    ck_assert_uint_eq(count_entries(), 3);
    attach_close(&context, loop);
    settle();
    for (int i = 0; i < 3; i++)
        close(peers[i]);
}
END_TEST

/* ---- The order of frees ----------------------------------------------------------------------------------------- */

enum { QUEUED, IN_FLIGHT, STORED, DEPOSIT_STATES };

static struct loop *record_stream(int state, struct stream **ret_stream, int *ret_peer)
{
    struct loop *loop = record_loop("one");

    *ret_peer = add_pipe(loop, 1, ret_stream);
    if (state == IN_FLIGHT)
        manager_turn(manager);
    if (state == STORED)
        settle();
    ck_assert_int_eq(persist_has_deposit(*ret_stream), state != QUEUED);
    return loop;
}

/* Else the manager could close the last copy, and block. */
START_TEST(a_descriptor_is_held_until_the_manager_has_closed_its_own)
{
    struct stream *stream;
    int peer;
    struct loop *loop = record_stream(_i, &stream, &peer);
    uint32_t held = _i != QUEUED;

    stream_deregister(&context.turn.reactor, stream);
    ck_assert_uint_eq(count_entries(), 1);
    ck_assert_uint_eq(context.accounts.waiting, held);
    ck_assert_uint_eq(loop->account->waiting, held);
    settle();
    ck_assert_uint_eq(context.accounts.waiting, 0);
    ck_assert(is_closed(peer));
    attach_close(&context, loop);
    close(peer);
}
END_TEST

START_TEST(an_account_outlives_its_messages_and_nothing_else)
{
    struct stream *stream;
    int peer;
    struct loop *loop = record_stream(_i, &stream, &peer);

    attach_close(&context, loop);
    ck_assert_int_eq(RB_EMPTY(&context.accounts.tree), _i == QUEUED);
    settle();
    ck_assert(RB_EMPTY(&context.accounts.tree));
    ck_assert(is_closed(peer));
    close(peer);
}
END_TEST

/* No message will be confirmed any more, so nothing may wait for a confirmation. */
START_TEST(a_lost_manager_releases_what_waits)
{
    struct stream *stream, *other;
    int peer, other_peer;
    struct loop *loop = record_stream(_i, &stream, &peer);

    stream_deregister(&context.turn.reactor, stream);
    other_peer = add_pipe(loop, 2, &other);
    close(manager_end);
    manager_end = -1;
    settle();
    ck_assert_uint_eq(context.accounts.waiting, 0);
    ck_assert(is_closed(peer));
    attach_close(&context, loop);
    ck_assert(RB_EMPTY(&context.accounts.tree));
    ck_assert(is_closed(other_peer));
    close(peer);
    close(other_peer);
}
END_TEST

/* ---- All at once, for an exec ----------------------------------------------------------------------------------- */

/* More than the first capacity of a ledger. */
#define MANY 70

static struct loop *make_unrecorded(int *ret_peers)
{
    struct stream *stream;
    struct loop *loop;

    recorder()->ledger = ledger_free(recorder()->ledger);
    manager_set_store_max(manager, 0);
    loop = make_loop("one");
    for (uint64_t i = 0; i < MANY; i++)
        ret_peers[i] = add_pipe(loop, i, &stream);
    return loop;
}

static void expect_unrecorded(struct loop *loop)
{
    ck_assert_ptr_null(recorder()->ledger);
    ck_assert_uint_eq(loop->entry, LEDGER_NO_ENTRY);
    for (struct stream *stream = loop_next(loop, NULL); stream; stream = loop_next_stream(stream))
        ck_assert_uint_eq(stream->entry, LEDGER_NO_ENTRY);
}

static void close_all(const int *peers)
{
    for (int i = 0; i < MANY; i++)
        close(peers[i]);
}

START_TEST(each_allocation_of_recording_all_may_fail)
{
    int peers[MANY], result = -ENOMEM;
    struct loop *loop;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    loop = make_unrecorded(peers);
    for (long n = 1; result < 0; n++) {
        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        fail_alloc_after(n);
        result = persist_all(&context.loops);
        fail_alloc_after(-1);
        if (result < 0) {
            ck_assert_int_eq(result, -ENOMEM);
            expect_unrecorded(loop);
        }
    }
    ck_assert_uint_eq(count_entries(), MANY + 1);
    persist_stop(&context.loops);
    expect_unrecorded(loop);
    close_all(peers);
}
END_TEST

START_TEST(recording_all_without_a_descriptor_takes_everything_back)
{
    struct rlimit usual, none;
    int peers[MANY];
    struct loop *loop = make_unrecorded(peers);

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = usual;
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_int_eq(persist_all(&context.loops), -EMFILE);
    expect_unrecorded(loop);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
    close_all(peers);
}
END_TEST

/* ---- Violations ------------------------------------------------------------------------------------------------- */

static void record_a_loop_twice(void)
{
    persist_loop_added(record_loop("one"));
}

static void record_a_connecting_stream(void)
{
    persist_stream_added(stream_new(record_loop("one"), 1, (struct span){0}, 0, MODE_EDGE));
}

static void remove_an_entry_twice(void)
{
    struct loop *loop = record_loop("one");

    persist_loop_gone(loop);
    persist_loop_gone(loop);
}

static const struct {
    void (*violate)(void);
    const char *condition;
} violations[] = {
    {record_a_loop_twice, "loop->entry == LEDGER_NO_ENTRY"},
    {record_a_connecting_stream, "!stream->connecting"},
    {remove_an_entry_twice, "!= ENTRY_FREE"},
};

START_TEST(a_wrong_step_ends_the_daemon)
{
    fixture_expect_violation(violations[_i].violate, violations[_i].condition);
}
END_TEST

Suite *unit_recorder_suite(void)
{
    Suite *suite = suite_create("unit_recorder");
    TCase *tests = tcase_create("recorder");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_allocation_of_recording_may_fail);
    tcase_add_test(tests, a_full_store_records_no_part_of_a_stream);
    tcase_add_test(tests, ids_that_begin_again_name_one_stream_each);
    tcase_add_loop_test(tests, a_descriptor_is_held_until_the_manager_has_closed_its_own, 0, DEPOSIT_STATES);
    tcase_add_loop_test(tests, an_account_outlives_its_messages_and_nothing_else, 0, DEPOSIT_STATES);
    tcase_add_loop_test(tests, a_lost_manager_releases_what_waits, 0, DEPOSIT_STATES);
    tcase_add_test(tests, each_allocation_of_recording_all_may_fail);
    tcase_add_test(tests, recording_all_without_a_descriptor_takes_everything_back);
    tcase_add_loop_test(tests, a_wrong_step_ends_the_daemon, 0, sizeof violations / sizeof *violations);
    suite_add_tcase(suite, tests);
    return suite;
}
