/* SPDX-License-Identifier: MIT */
/* Loops and their streams without a client: lists, the rearm batch, the order of frees, failing allocations. */
#include "daemon/loops/stream.h"
#include "tests/fail_alloc.h"
#include "tests/skip.h"
#include "tests/unit/fixture.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *unit_streams_suite(void);

#define FEW 3

static struct session *session;
static struct loop *loop;
static int client;

static void set_up(void)
{
    fixture_set_up();
    client = fixture_open_client(&session);
    loop = session->member.loop;
}

static void tear_down(void)
{
    close(client);
    fixture_tear_down();
}

static struct reactor *reactor(void)
{
    return &context.turn.reactor;
}

static void write_byte(int fd)
{
    ck_assert_int_eq(write(fd, "x", 1), 1);
}

/* Whether the descriptor of the other end is closed. */
static bool is_closed(int other_end)
{
    char byte;
    ssize_t length = recv(other_end, &byte, 1, 0);

    return length == 0 || (length < 0 && errno == ECONNRESET); /* closed with unread bytes */
}

/* ---- Allocations ------------------------------------------------------------------------------------------------ */

/* Makes and frees a named loop with a stream. Returns whether the stream was open, and so closed `fd`. */
static bool make_loop_and_stream(int fd, size_t *ret_left)
{
    struct loop *made = loop_new(&context.loops, loop->account, "made");
    struct stream *stream = made ? stream_new(made, 1, (struct span){"x:1", 3}, READY_READABLE, MODE_EDGE) : NULL;
    bool opened = stream && stream_adopt(reactor(), stream, fd, FD_KIND_STREAM) == 0;

    if (stream)
        stream_free(reactor(), stream);
    *ret_left = made ? made->count : 0;
    loop_free(made);
    return opened;
}

START_TEST(each_allocation_of_a_loop_and_a_stream_may_fail)
{
    bool whole = false;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !whole; n++) {
        int ends[2];
        size_t left;

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        fixture_make_pair(ends);
        fail_alloc_after(n);
        whole = make_loop_and_stream(ends[0], &left);
        fail_alloc_after(-1);
        ck_assert_uint_eq(left, 0);
        ck_assert_int_eq(is_closed(ends[1]), whole);
        if (!whole)
            close(ends[0]); /* still the caller's */
        close(ends[1]);
        ck_assert(RB_EMPTY(&context.loops.named));
        ck_assert_uint_eq(context.loops.count, 1);
        reactor_free_deferred(reactor());
    }
}
END_TEST

/* ---- Lists ------------------------------------------------------------------------------------------------------ */

START_TEST(a_stream_is_in_the_list_of_its_state)
{
    struct stream *stream;
    int peer;

    loop->delivery = DELIVERY_POLL;
    peer = fixture_add_stream(loop, 1, READY_READABLE, MODE_LEVEL, &stream);
    ck_assert_int_eq(stream->list, LIST_NONE);
    write_byte(peer);
    fixture_collect_events();
    ck_assert_int_eq(stream->list, LIST_READY);
    ck_assert_uint_eq(loop->ready_count, 1);
    stream_block(stream, 7);
    ck_assert_int_eq(stream->list, LIST_NONE);
    ck_assert_uint_eq(loop->ready_count, 0);
    stream_unblock(stream);
    ck_assert_int_eq(stream->list, LIST_READY);
    stream_mark_delivered(stream);
    ck_assert_int_eq(stream->list, LIST_DELIVERED);
    ck_assert_ptr_eq(TAILQ_FIRST(&loop->delivered), stream);
    stream_assume_ready(stream);
    ck_assert_int_eq(stream->list, LIST_READY);
    ck_assert(TAILQ_EMPTY(&loop->delivered));
    stream_clear_interests(reactor(), stream);
    ck_assert_int_eq(stream->list, LIST_NONE);
    ck_assert_uint_eq(loop->ready_count, 0);
    stream_deregister(reactor(), stream);
    close(peer);
}
END_TEST

/* Freed from each list in turn: the list's neighbours stay linked. */
START_TEST(a_freed_stream_leaves_its_list)
{
    struct stream *streams[FEW];
    int peers[FEW];

    loop->delivery = DELIVERY_POLL;
    for (uint64_t i = 0; i < FEW; i++) {
        peers[i] = fixture_add_stream(loop, i, READY_READABLE, MODE_LEVEL, &streams[i]);
        write_byte(peers[i]);
    }
    fixture_collect_events();
    ck_assert_uint_eq(loop->ready_count, FEW);
    if (_i >= FEW)
        for (int i = 0; i < FEW; i++)
            stream_mark_delivered(streams[i]);
    stream_deregister(reactor(), streams[_i % FEW]);
    ck_assert_uint_eq(loop->count, FEW - 1);
    ck_assert_uint_eq(loop->ready_count, _i < FEW ? FEW - 1 : 0);
    ck_assert(is_closed(peers[_i % FEW]));
    for (int i = 0; i < FEW; i++) {
        if (i != _i % FEW)
            stream_deregister(reactor(), streams[i]);
        close(peers[i]);
    }
    ck_assert(TAILQ_EMPTY(&loop->ready) && TAILQ_EMPTY(&loop->delivered));
}
END_TEST

/* ---- Events of streams that end --------------------------------------------------------------------------------- */

static struct stream *pair[2];
static int events;

/* An event of one stream ends the other, whose event of the same turn names an ended source. */
static void end_the_other(struct source *source, const struct minimio_event *event)
{
    int other = source == &pair[0]->source;

    (void)event;
    events++;
    stream_deregister(reactor(), pair[other]);
}

START_TEST(an_event_of_a_stream_that_ended_in_this_turn_is_ignored)
{
    int peers[2];

    for (uint64_t i = 0; i < 2; i++) {
        peers[i] = fixture_add_stream(loop, i, READY_READABLE, MODE_EDGE, &pair[i]);
        pair[i]->source.ready = end_the_other;
        write_byte(peers[i]);
    }
    fixture_collect_events();
    ck_assert_int_eq(events, 1);
    ck_assert_uint_eq(loop->count, 1);
    close(peers[0]);
    close(peers[1]);
}
END_TEST

START_TEST(a_taken_stream_is_unwatched_and_open)
{
    struct stream *stream;
    int peer = fixture_add_stream(loop, 1, READY_READABLE, MODE_EDGE, &stream);
    int fd = stream_take(reactor(), stream, -1);

    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    ck_assert_uint_eq(loop->count, 0);
    ck_assert_int_eq(reactor_rewatch(reactor(), fd, &session->conn.source, MINIMIO_READABLE, MINIMIO_EDGE), -ENOENT);
    write_byte(peer);
    fixture_run_turns(2);
    close(fd);
    close(peer);
}
END_TEST

/* ---- The rearm batch -------------------------------------------------------------------------------------------- */

/* The report must not reach a stream that ended, and must reach the streams around the ended stream. */
START_TEST(a_stream_may_end_in_the_rearm_batch)
{
    struct stream *streams[FEW];
    int peers[FEW];

    for (uint64_t i = 0; i < FEW; i++) {
        peers[i] = fixture_add_stream(loop, i, READY_READABLE, MODE_EDGE, &streams[i]);
        write_byte(peers[i]);
        ck_assert_int_eq(stream_rearm(reactor(), streams[i], READY_READABLE, MODE_EDGE), 0);
    }
    ck_assert_uint_eq(context.loops.rearm.count, FEW);
    stream_deregister(reactor(), streams[_i]);
    ck_assert_uint_eq(context.loops.rearm.count, FEW - 1);
    reactor_free_deferred(reactor());
    rearm_batch_flush(&context.loops.rearm);
    ck_assert_uint_eq(loop->ready_count, FEW - 1);
    for (int i = 0; i < FEW; i++)
        close(peers[i]);
}
END_TEST

static struct rearm_batch batch;
static struct rearm rearms[REARM_MAX + 1];
static int reports[REARM_MAX + 1];
static short last_seen;

static void count_report(struct rearm *rearm, short seen)
{
    reports[rearm - rearms]++;
    last_seen = seen;
}

static void fill_batch(int fd, int count)
{
    batch.report = count_report;
    for (int i = 0; i < count; i++) {
        rearm_batch_add(&batch, &rearms[i], fd, POLLOUT);
        rearm_batch_add(&batch, &rearms[i], fd, POLLOUT); /* already in the batch */
    }
}

START_TEST(a_full_rearm_batch_is_flushed_first)
{
    fill_batch(client, REARM_MAX + 1);
    ck_assert_uint_eq(batch.count, 1);
    rearm_batch_flush(&batch);
    for (int i = 0; i <= REARM_MAX; i++)
        ck_assert_int_eq(reports[i], 1);
    ck_assert_int_eq(last_seen, POLLOUT);
}
END_TEST

/* poll(2) fails with more descriptors than the limit of open descriptors. */
START_TEST(a_failed_poll_reports_an_error_for_each_descriptor)
{
    struct rlimit usual, few;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
    few = usual;
    few.rlim_cur = FEW;
    fill_batch(client, FEW + 1);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    rearm_batch_flush(&batch);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
    for (int i = 0; i <= FEW; i++)
        ck_assert_int_eq(reports[i], 1);
    ck_assert_int_eq(last_seen, POLLERR);
    ck_assert_uint_eq(batch.count, 0);
}
END_TEST

/* ---- Violations ------------------------------------------------------------------------------------------------- */

static void free_a_loop_with_a_stream(void)
{
    struct loop *full = loop_new(&context.loops, loop->account, "full");

    stream_new(full, 1, (struct span){0}, 0, MODE_EDGE);
    loop_free(full);
}

static void add_a_token_twice(void)
{
    stream_new(loop, 1, (struct span){0}, 0, MODE_EDGE);
    stream_new(loop, 1, (struct span){0}, 0, MODE_EDGE);
}

static void add_a_name_twice(void)
{
    loop_new(&context.loops, loop->account, "twin");
    loop_new(&context.loops, loop->account, "twin");
}

static void deliver_a_connecting_stream(void)
{
    struct stream *stream = stream_new(loop, 1, (struct span){0}, READY_READABLE, MODE_EDGE);

    stream_assume_ready(stream);
}

static void open_twice(void)
{
    struct stream *stream = stream_new(loop, 1, (struct span){0}, 0, MODE_EDGE);

    stream->connecting = false;
    stream_open(reactor(), stream, client);
}

static void remove_from_an_empty_batch(void)
{
    struct rearm rearm = {.in_batch = true};

    fill_batch(client, 1);
    rearm_batch_remove(&batch, &rearm);
}

static void deregister_more_than_registered(void)
{
    stream_deregister(reactor(), stream_new(loop, 1, (struct span){0}, 0, MODE_EDGE));
}

static void end_more_sessions_than_began(void)
{
    context.accounts.sessions = 0;
    accounts_remove_session(&context.accounts, loop->account);
}

static const struct {
    void (*violate)(void);
    const char *condition;
} violations[] = {
    {free_a_loop_with_a_stream, "!loop->count"},
    {add_a_token_twice, "!twin"},
    {add_a_name_twice, "!twin"},
    {deliver_a_connecting_stream, "!stream->connecting"},
    {open_twice, "stream->connecting"},
    {remove_from_an_empty_batch, "i < batch->count"},
    {deregister_more_than_registered, "registrations > 0"},
    {end_more_sessions_than_began, "accounts->sessions > 0"},
};

START_TEST(a_wrong_step_ends_the_daemon)
{
    fixture_expect_violation(violations[_i].violate, violations[_i].condition);
}
END_TEST

Suite *unit_streams_suite(void)
{
    Suite *suite = suite_create("unit_streams");
    TCase *tests = tcase_create("streams");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_allocation_of_a_loop_and_a_stream_may_fail);
    tcase_add_test(tests, a_stream_is_in_the_list_of_its_state);
    tcase_add_loop_test(tests, a_freed_stream_leaves_its_list, 0, 2 * FEW);
    tcase_add_test(tests, an_event_of_a_stream_that_ended_in_this_turn_is_ignored);
    tcase_add_test(tests, a_taken_stream_is_unwatched_and_open);
    tcase_add_loop_test(tests, a_stream_may_end_in_the_rearm_batch, 0, FEW);
    tcase_add_test(tests, a_full_rearm_batch_is_flushed_first);
    tcase_add_test(tests, a_failed_poll_reports_an_error_for_each_descriptor);
    tcase_add_loop_test(tests, a_wrong_step_ends_the_daemon, 0, sizeof violations / sizeof *violations);
    suite_add_tcase(suite, tests);
    return suite;
}
