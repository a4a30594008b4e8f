/* SPDX-License-Identifier: MIT */
/* Restoring from a ledger that another binary has left: failing allocations, and ledgers that no binary writes. */
#include "daemon/restart/restore.h"

#include "daemon/base/log.h"
#include "daemon/loops/stream.h"
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
#include <sys/mman.h>
#include <unistd.h>

Suite *unit_restore_suite(void);

#define LINGER_LONG 60000
#define STREAMS     6

static struct manager *manager;
static struct ledger *ledger; /* the other binary's */
static int peers[STREAMS];
static size_t peer_count;

static void begin_ledger(void)
{
    ck_assert_int_eq(ledger_new(&ledger), 0);
    peer_count = 0;
}

static void set_up(void)
{
    fixture_set_up();
    log_set_level(LOG_LEVEL_ERROR - 1); /* lost entries are errors for the operator */
    unsetenv("NOTIFY_SOCKET");
    ck_assert_int_eq(manager_new(&context.turn.reactor, &manager), 0);
    begin_ledger();
}

static void forget_ledger(void)
{
    for (size_t i = 0; i < peer_count; i++)
        close(peers[i]);
    ledger = ledger_free(ledger);
}

/* Closes all that was restored. */
static void close_loops(void)
{
    sessions_close_loops(&context);
    context.turn.stopping = false;
    reactor_free_deferred(&context.turn.reactor);
    ck_assert_uint_eq(context.loops.count, 0);
    ck_assert_uint_eq(context.accounts.registrations, 0);
}

static void tear_down(void)
{
    close_loops();
    forget_ledger();
    manager = manager_free(manager);
    fixture_tear_down();
}

/* ---- A ledger --------------------------------------------------------------------------------------------------- */

static uint32_t add_loop(const char *name, uint64_t linger_ms)
{
    struct ledger_loop loop = {.name = {name, strlen(name)}, .uid = getuid(), .linger_ms = linger_ms};
    uint32_t entry;

    ck_assert_int_eq(ledger_add_loop(ledger, &loop, &entry), 0);
    return entry;
}

static uint32_t add_entry(uint32_t loop, uint64_t id, uint64_t token, int fd)
{
    struct ledger_stream stream = {.loop = loop,
                                   .id = id,
                                   .token = token,
                                   .interests = READY_READABLE,
                                   .mode = MODE_EDGE,
                                   .kind = FD_KIND_OTHER,
                                   .adopted = true,
                                   .fd = fd};
    uint32_t entry;

    ck_assert_int_eq(ledger_add_stream(ledger, &stream, &entry), 0);
    return entry;
}

/* A pipe that the other binary has left open. Returns the read end; the write end is the next of `peers`. */
static int make_pipe(void)
{
    int ends[2];

    ck_assert_uint_lt(peer_count, STREAMS);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
    peers[peer_count++] = ends[1];
    return ends[0];
}

static void add_stream(uint32_t loop, uint64_t id, uint64_t token)
{
    add_entry(loop, id, token, make_pipe());
}

/* Waits until the daemon, or its closing process, has closed `count` read ends. More must not be closed. */
static void await_closed(size_t count)
{
    struct pollfd ends[STREAMS];
    size_t closed = 0;

    for (size_t i = 0; i < peer_count; i++)
        ends[i] = (struct pollfd){.fd = peers[i]};
    while (closed < count) {
        ck_assert_int_ge(poll(ends, peer_count, -1), 1);
        for (size_t i = 0; i < peer_count; i++) {
            if (!(ends[i].revents & POLLERR))
                continue;
            closed++;
            ends[i].fd = -1;
        }
    }
    ck_assert_int_eq(poll(ends, peer_count, 0), 0);
}

/* As the next binary has the ledger: by a descriptor alone. */
static int leave_ledger(void)
{
    int fd = fcntl(ledger_fd(ledger), F_DUPFD_CLOEXEC, 3);

    ck_assert_int_ge(fd, 0);
    ledger = ledger_free(ledger);
    return fd;
}

static void expect_restored(uint32_t loops, uint32_t streams)
{
    ck_assert_int_eq(restore_run(&context, manager, leave_ledger()), 0);
    fixture_collect_events();
    ck_assert_uint_eq(context.loops.count, loops);
    ck_assert_uint_eq(context.accounts.registrations, streams);
    await_closed(peer_count - streams);
}

/* ---- Allocations ------------------------------------------------------------------------------------------------ */

static void add_two_loops(void)
{
    uint32_t one = add_loop("one", LINGER_LONG), two = add_loop("two", LINGER_LONG);

    for (uint64_t i = 0; i < STREAMS; i++)
        add_stream(i % 2 ? one : two, STREAMS - i, i);
}

START_TEST(each_allocation_of_a_restore_may_fail)
{
    int result = -ENOMEM;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; result < 0; n++) {
        int fd;

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        add_two_loops();
        fd = leave_ledger();
        fail_alloc_after(n);
        result = restore_run(&context, manager, fd);
        fail_alloc_after(-1);
        ck_assert(result == 0 || result == -ENOMEM);
        ck_assert(result < 0 || context.accounts.registrations == STREAMS);
        close_loops();
        ck_assert_uint_eq(context.accounts.account_count, 0);
        forget_ledger();
        begin_ledger();
    }
}
END_TEST

/* ---- What no binary writes -------------------------------------------------------------------------------------- */

START_TEST(a_ledger_as_a_binary_leaves_it_is_restored)
{
    add_two_loops();
    expect_restored(2, STREAMS);
    ck_assert_uint_eq(loops_find(&context.loops, "one", getuid())->count, STREAMS / 2);
    ck_assert_ptr_nonnull(loop_find(loops_find(&context.loops, "two", getuid()), 4));
}
END_TEST

START_TEST(of_two_loops_with_a_name_one_is_restored)
{
    add_loop("one", LINGER_LONG);
    add_stream(add_loop("one", LINGER_LONG), 1, 1);
    expect_restored(1, 0);
}
END_TEST

START_TEST(of_two_streams_with_a_token_one_is_restored)
{
    uint32_t loop = add_loop("one", LINGER_LONG);

    add_stream(loop, 1, 7);
    add_stream(loop, 2, 7);
    expect_restored(1, 1);
}
END_TEST

START_TEST(of_two_streams_with_an_id_one_is_restored)
{
    uint32_t loop = add_loop("one", LINGER_LONG);

    add_stream(loop, 1, 7);
    add_stream(loop, 1, 8);
    expect_restored(1, 1);
}
END_TEST

/* The second entry claims nothing: the descriptor is the first stream's. */
START_TEST(of_two_streams_with_a_descriptor_one_is_restored)
{
    uint32_t loop = add_loop("one", LINGER_LONG);
    int fd = make_pipe();

    add_entry(loop, 1, 7, fd);
    add_entry(loop, 2, 8, fd);
    expect_restored(1, 1);
}
END_TEST

START_TEST(a_stream_of_no_loop_is_closed)
{
    uint32_t loop = add_loop("one", LINGER_LONG), stream;

    stream = add_entry(loop, 1, 7, make_pipe());
    add_stream(stream, 2, 8);     /* the entry of a stream */
    add_stream(stream + 9, 3, 9); /* a free entry */
    expect_restored(1, 1);
}
END_TEST

/* Standard error is no stream, nor is a descriptor of this process. */
START_TEST(an_entry_with_a_descriptor_that_was_not_left_open_is_dropped)
{
    uint32_t loop = add_loop("one", LINGER_LONG);
    int own = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    add_entry(loop, 1, 7, -1);
    add_entry(loop, 2, 8, STDERR_FILENO);
    add_entry(loop, 3, 9, own);
    add_entry(loop, 4, 10, 1 << 20);
    expect_restored(1, 0);
    ck_assert_int_ge(fcntl(STDERR_FILENO, F_GETFD), 0);
    ck_assert_int_ge(fcntl(own, F_GETFD), 0);
    close(own);
}
END_TEST

/* Each loop is freed while the daemon goes through the loops. */
START_TEST(restored_loops_without_linger_time_are_closed_at_once)
{
    uint32_t loops[] = {add_loop("a", 0), add_loop("b", 0), add_loop("c", LINGER_LONG), add_loop("d", 0)};

    for (uint64_t i = 0; i < 4; i++)
        add_stream(loops[i], i + 1, i);
    config.limits.linger_ms = LINGER_LONG;
    expect_restored(1, 1);
    ck_assert_ptr_nonnull(loops_find(&context.loops, "c", getuid()));
}
END_TEST

/* ---- Damage ----------------------------------------------------------------------------------------------------- */

#define ROUNDS    300
#define FLIPS_MAX 8
#define DAMAGED_AT                                                                                                     \
    6000 /* bytes from the begin of the file: the entries of the loops and streams, and some free ones                 \
          */

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % bound;
}

static void damage(int fd)
{
    unsigned char *bytes = mmap(NULL, DAMAGED_AT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    ck_assert_ptr_ne(bytes, MAP_FAILED);
    for (uint32_t flips = random_below(FLIPS_MAX) + 1; flips > 0; flips--)
        bytes[random_below(DAMAGED_AT)] ^= (unsigned char)(1 << random_below(8));
    munmap(bytes, DAMAGED_AT);
}

/* Whatever is damaged, the rest is restored, and the counts agree with what there is. */
START_TEST(a_damaged_ledger_is_never_trusted)
{
    for (int round = 0; round < ROUNDS; round++) {
        size_t streams = 0;
        int fd;

        add_two_loops();
        fd = leave_ledger();
        damage(fd);
        ck_assert_int_eq(restore_run(&context, manager, fd), 0);
        fixture_collect_events();
        for (struct loop *loop = loops_after(&context.loops, NULL); loop; loop = loops_next(loop))
            streams += loop->count;
        ck_assert_uint_eq(context.accounts.registrations, streams);
        ck_assert_uint_le(streams, STREAMS);
        close_loops();
        forget_ledger();
        begin_ledger();
    }
}
END_TEST

Suite *unit_restore_suite(void)
{
    Suite *suite = suite_create("unit_restore");
    TCase *tests = tcase_create("restore");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_allocation_of_a_restore_may_fail);
    tcase_add_test(tests, a_ledger_as_a_binary_leaves_it_is_restored);
    tcase_add_test(tests, of_two_loops_with_a_name_one_is_restored);
    tcase_add_test(tests, of_two_streams_with_a_token_one_is_restored);
    tcase_add_test(tests, of_two_streams_with_an_id_one_is_restored);
    tcase_add_test(tests, of_two_streams_with_a_descriptor_one_is_restored);
    tcase_add_test(tests, a_stream_of_no_loop_is_closed);
    tcase_add_test(tests, an_entry_with_a_descriptor_that_was_not_left_open_is_dropped);
    tcase_add_test(tests, restored_loops_without_linger_time_are_closed_at_once);
    tcase_add_test(tests, a_damaged_ledger_is_never_trusted);
    suite_add_tcase(suite, tests);
    return suite;
}
