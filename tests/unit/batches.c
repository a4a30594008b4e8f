/* SPDX-License-Identifier: MIT */
/* Batches: the order of answers, descriptors beside answers, blocked events, shares of the line, and the end. */
#include "daemon/sessions/batch.h"

#include "daemon/loops/stream.h"
#include "daemon/sessions/lifecycle.h"
#include "tests/fail_alloc.h"
#include "tests/skip.h"
#include "tests/unit/fixture.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *unit_batches_suite(void);

#define SERIAL 7

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

static struct batch *begin(size_t count)
{
    struct batch *batch = batch_new(session, count, SERIAL);

    ck_assert_ptr_nonnull(batch);
    return batch;
}

/* As call_end does. Error: -ENOMEM. */
static int answer(struct batch *batch, size_t slot, const char *text)
{
    int result;

    buffer_append_text(&batch->text, text);
    if (buffer_failed(&batch->text))
        result = -ENOMEM;
    else
        result = batch_add_answer(batch, slot);
    batch_end_slot(batch);
    return result;
}

static int open_file(void)
{
    int fd = eventfd(0, EFD_CLOEXEC); /* close() of an eventfd never waits, so the daemon closes at once */

    ck_assert_int_ge(fd, 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* The number of descriptors that the client receives. */
static size_t receive_fds(char *ret_text, size_t size)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct iovec piece = {.iov_base = ret_text, .iov_len = size - 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(client, &message, MSG_CMSG_CLOEXEC);
    size_t count = 0;
    int fds[4];

    ret_text[length > 0 ? length : 0] = '\0';
    if (length > 0 && message.msg_controllen) {
        count = (control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(&control.header), count * sizeof(int));
    }
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    return count;
}

/* ---- Answers ---------------------------------------------------------------------------------------------------- */

START_TEST(answers_are_in_the_order_of_the_requests)
{
    struct batch *batch = begin(3);

    ck_assert_int_eq(answer(batch, 2, "3"), 0);
    ck_assert_int_eq(answer(batch, 0, "1"), 0);
    ck_assert(fixture_has_no_answer(client));
    ck_assert_uint_eq(session->batch_bytes, 2);
    batch_end_slot(batch); /* a notification */
    ck_assert_uint_eq(batch->serial, SERIAL);
    ck_assert_uint_eq(session->batch_bytes, 0);
    fixture_run_turns(1);
    fixture_expect_answer(client, "[1,3]\n");
}
END_TEST

START_TEST(a_batch_of_notifications_writes_nothing)
{
    struct batch *batch = begin(2);

    batch_end_slot(batch);
    batch_end_slot(batch);
    fixture_run_turns(1);
    ck_assert(fixture_has_no_answer(client));
    ck_assert(LIST_EMPTY(&session->batches));
}
END_TEST

/* The longest answers that the budgets allow, in a batch of `count`. */
static void expect_room(size_t count)
{
    size_t used = 0, line = config.limits.line_bytes;
    struct batch *batch = begin(count);

    while (batch->unanswered > 1) {
        size_t budget = batch_budget(batch);

        ck_assert_uint_ge(budget, (line - 4 - count) / count);
        batch->length += budget;
        used += budget;
        batch->unanswered--;
    }
    used += batch_budget(batch);
    ck_assert_uint_le(used + count - 1 + strlen("[]\n"), line - 1);
    batch->length = 0;
    batch_end_slot(batch);
}

START_TEST(each_answer_may_use_its_whole_budget)
{
    for (size_t count = 1; count <= config.limits.batch; count++)
        expect_room(count);
}
END_TEST

/* ---- Descriptors ------------------------------------------------------------------------------------------------ */

START_TEST(descriptors_go_with_the_first_byte_in_the_order_of_the_requests)
{
    struct batch *batch = begin(2);
    int fds[] = {open_file(), open_file()};
    char text[64];

    ck_assert_int_eq(batch_carry(batch, 1, fds[1]), 0);
    ck_assert_int_eq(batch_carry(batch, 0, fds[0]), 0);
    ck_assert_uint_eq(session->held_fds, 2);
    ck_assert_int_eq(answer(batch, 1, "2"), 0);
    ck_assert_int_eq(answer(batch, 0, "1"), 0);
    ck_assert_uint_eq(session->held_fds, 0);
    fixture_run_turns(1);
    ck_assert_uint_eq(receive_fds(text, sizeof text), 2);
    ck_assert_str_eq(text, "[1,2]\n");
    ck_assert(!is_open(fds[0]) && !is_open(fds[1]));
}
END_TEST

/* The descriptor is sent or closed, and the client has an answer or an end. */
START_TEST(each_allocation_of_an_answer_with_a_descriptor_may_fail)
{
    bool whole = false;

    TEST_NEEDS(fail_alloc_works(), "allocations that can be made to fail");
    for (long n = 1; !whole; n++) {
        struct batch *batch = begin(1);
        int fd = open_file(), carried, answered;
        char text[64];
        size_t received;

        ck_assert_int_lt(n, ALLOCATIONS_MAX);
        fail_alloc_after(n);
        carried = batch_carry(batch, 0, fd);
        answered = answer(batch, 0, "1");
        whole = fail_alloc_count() < n;
        fail_alloc_after(-1);
        ck_assert_int_eq(carried, 0);
        ck_assert_int_eq(answered < 0 && whole, 0);
        if (answered < 0)
            conn_abort(&session->conn); /* as call_end does */
        fixture_run_turns(2);
        received = receive_fds(text, sizeof text);
        ck_assert_uint_eq(received, whole);
        ck_assert_str_eq(text, whole ? "[1]\n" : "");
        ck_assert(!is_open(fd));
        ck_assert_int_eq(LIST_EMPTY(&context.sessions), !whole);
        close(client);
        fixture_run_turns(TURNS);
        client = fixture_open_client(&session);
    }
}
END_TEST

START_TEST(open_batches_hold_a_limited_number_of_descriptors)
{
    struct batch *batch = begin(FD_OUTBOX_MAX + 1);
    int spare = open_file();

    for (size_t slot = 0; slot < FD_OUTBOX_MAX; slot++)
        ck_assert_int_eq(batch_carry(batch, slot, open_file()), 0);
    ck_assert_int_eq(batch_carry(batch, FD_OUTBOX_MAX, spare), -EDQUOT);
    ck_assert(is_open(spare));
    close(spare);
}
END_TEST

/* The tear-down checks that no descriptor counts any more. */
START_TEST(a_session_that_ends_closes_the_descriptors_of_its_batches)
{
    struct batch *batch = begin(2);
    int fd = open_file();

    ck_assert_int_eq(batch_carry(batch, 0, fd), 0);
    ck_assert_int_eq(answer(batch, 0, "1"), 0);
    ck_assert_uint_eq(context.accounts.waiting, 1);
    session_free(session);
    ck_assert(!is_open(fd));
    ck_assert_uint_eq(context.accounts.waiting, 0);
    ck_assert_uint_eq(context.accounts.unread, 0);
    ck_assert_uint_eq(batch->serial, SERIAL); /* the memory lives to the end of the turn */
    fixture_run_turns(1);
}
END_TEST

/* ---- Blocked events --------------------------------------------------------------------------------------------- */

/* A stream that slot 0 of the batch has registered, and that is ready. */
static int add_ready(struct batch *batch, uint64_t token, struct stream **ret_stream)
{
    int peer = fixture_add_stream(loop, token, READY_READABLE, MODE_EDGE, ret_stream);

    batch_block_stream(batch, 0, *ret_stream);
    ck_assert_int_eq(write(peer, "x", 1), 1);
    fixture_collect_events();
    ck_assert_uint_eq((*ret_stream)->pending, READY_READABLE);
    ck_assert_int_eq((*ret_stream)->list, LIST_NONE);
    return peer;
}

START_TEST(events_wait_for_the_answers)
{
    struct batch *batch = begin(1);
    struct stream *stream;
    int peer = add_ready(batch, 1, &stream);

    ck_assert_int_eq(answer(batch, 0, "1"), 0);
    ck_assert_int_eq(stream->list, LIST_READY);
    fixture_run_turns(1);
    fixture_expect_answer(client, "[1]\n{\"jsonrpc\":\"2.0\",\"method\":\"ready\"");
    close(peer);
}
END_TEST

/* The token may be free, or another batch's, when the batch ends. */
START_TEST(a_batch_unblocks_no_stream_but_its_own)
{
    struct batch *batch = begin(1), *other = batch_new(session, 1, SERIAL + 1);
    struct stream *stream;
    int peer = add_ready(batch, 1, &stream), another;

    stream_deregister(&context.turn.reactor, stream);
    another = add_ready(other, 1, &stream);
    ck_assert_int_eq(answer(batch, 0, "1"), 0);
    ck_assert_int_eq(stream->list, LIST_NONE);
    ck_assert_uint_eq(stream->blocked_by_batch, SERIAL + 1);
    stream_deregister(&context.turn.reactor, stream);
    ck_assert_int_eq(answer(other, 0, "2"), 0);
    close(peer);
    close(another);
}
END_TEST

/* The serial of an ended session's batch blocks nothing in a named loop that outlives the session. */
START_TEST(a_session_that_leaves_its_loop_unblocks_the_streams)
{
    struct stream *stream;
    struct batch *batch;
    int peer;

    fixture_feed(session, client,
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"open_loop\",\"params\":{\"name\":\"one\","
                 "\"linger_ms\":60000}}\n");
    loop = session->member.loop;
    batch = begin(1);
    session->member.blocked_by_batch = SERIAL;
    peer = add_ready(batch, 1, &stream);
    session_free(session);
    ck_assert_uint_eq(session->member.blocked_by_batch, 0);
    ck_assert_uint_eq(stream->blocked_by_batch, 0);
    ck_assert_int_eq(stream->list, LIST_READY);
    fixture_run_turns(1);
    close(peer);
}
END_TEST

/* ---- Violations ------------------------------------------------------------------------------------------------- */

static void answer_too_often(void)
{
    struct batch *batch = begin(1);

    batch_end_slot(batch);
    batch_end_slot(batch);
}

static void answer_a_slot_twice(void)
{
    struct batch *batch = begin(3);

    answer(batch, 0, "1");
    answer(batch, 0, "1");
}

static void answer_a_slot_that_is_none(void)
{
    answer(begin(1), 1, "1");
}

static void carry_twice(void)
{
    struct batch *batch = begin(2);

    batch_carry(batch, 0, open_file());
    batch_carry(batch, 0, open_file());
}

static const struct {
    void (*violate)(void);
    const char *condition;
} violations[] = {
    {answer_too_often, "batch->unanswered > 0"},
    {answer_a_slot_twice, "!answer->text"},
    {answer_a_slot_that_is_none, "slot < batch->count"},
    {carry_twice, "batch->answers[slot].fd < 0"},
};

START_TEST(a_wrong_step_ends_the_daemon)
{
    fixture_expect_violation(violations[_i].violate, violations[_i].condition);
}
END_TEST

Suite *unit_batches_suite(void)
{
    Suite *suite = suite_create("unit_batches");
    TCase *tests = tcase_create("batches");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, answers_are_in_the_order_of_the_requests);
    tcase_add_test(tests, a_batch_of_notifications_writes_nothing);
    tcase_add_test(tests, each_answer_may_use_its_whole_budget);
    tcase_add_test(tests, descriptors_go_with_the_first_byte_in_the_order_of_the_requests);
    tcase_add_test(tests, each_allocation_of_an_answer_with_a_descriptor_may_fail);
    tcase_add_test(tests, open_batches_hold_a_limited_number_of_descriptors);
    tcase_add_test(tests, a_session_that_ends_closes_the_descriptors_of_its_batches);
    tcase_add_test(tests, events_wait_for_the_answers);
    tcase_add_test(tests, a_batch_unblocks_no_stream_but_its_own);
    tcase_add_test(tests, a_session_that_leaves_its_loop_unblocks_the_streams);
    tcase_add_loop_test(tests, a_wrong_step_ends_the_daemon, 0, sizeof violations / sizeof *violations);
    suite_add_tcase(suite, tests);
    return suite;
}
