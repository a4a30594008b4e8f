/* SPDX-License-Identifier: MIT */
/*
 * Random calls against a model of what must come of them: sockets are opened, closed, registered, changed,
 * forgotten, written to and drained, and each poll must report what the model says, and nothing else.
 *
 * Where EDGE awaits the end of what was reported, the model does too, and allows an event of what was there when the
 * backend looked and has been read since: once, and of what is registered.
 */
#include "tests/library/support.h"

#include <errno.h>
#include <stdlib.h>

Suite *library_random_walk_suite(void);

#define SOCKETS 12
#define STEPS   4000

struct model {
    struct minimio_tcp_stream *stream; /* NULL: closed */
    minimio_fd fd, other;
    size_t unread;
    bool registered;
    minimio_token token;
    enum minimio_mode mode;
    bool due;   /* an event must come (EDGE and ONESHOT; under LEVEL, whenever there is something unread) */
    bool stale; /* one may come */
    bool spent; /* EDGE has reported, and the end has not been met since */
};

static struct model models[SOCKETS];
static minimio_token next_token = 1;

static void toggle_open(struct model *model)
{
    minimio_fd fds[2];

    if (model->stream) {
        if (rand() % 2)
            close_fd(minimio_tcp_stream_take_fd(model->stream));
        else
            minimio_tcp_stream_free(model->stream);
        close_fd(model->other);
        *model = (struct model){.fd = MINIMIO_INVALID_FD};
        return;
    }
    connected_pair(fds);
    *model = (struct model){.fd = fds[0], .other = fds[1]};
    ck_assert_int_eq(minimio_tcp_stream_from_fd(fds[0], &model->stream), 0);
}

static void arm(struct model *model, minimio_token token, enum minimio_mode mode)
{
    model->registered = true;
    model->token = token;
    model->mode = mode;
    model->due = model->unread > 0;
    model->stale = false;
    model->spent = false;
}

static void try_register(struct model *model)
{
    enum minimio_mode mode = (enum minimio_mode)(rand() % 3);
    minimio_token token = next_token++;
    int expected = !model->stream ? -EBADF : model->registered ? -EEXIST : 0;
    int r;

    if (model->stream && rand() % 2)
        r = minimio_registrator_register(registrator, model->stream, token, MINIMIO_READABLE, mode);
    else
        r = minimio_registrator_register_fd(registrator, model->fd, token, MINIMIO_READABLE, mode);
    ck_assert_int_eq(r, expected);
    if (expected == 0)
        arm(model, token, mode);
}

static void try_reregister(struct model *model)
{
    enum minimio_mode mode = (enum minimio_mode)(rand() % 3);
    minimio_token token = next_token++;
    int expected = !model->stream ? -EBADF : model->registered ? 0 : -ENOENT;

    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, model->fd, token, MINIMIO_READABLE, mode),
                     expected);
    if (expected == 0)
        arm(model, token, mode);
}

static void try_deregister(struct model *model)
{
    int expected = !model->stream ? -EBADF : model->registered ? 0 : -ENOENT;

    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, model->fd), expected);
    model->registered = false;
    model->due = false;
    model->stale = false;
}

static bool is_armed(const struct model *model)
{
    /* A oneshot that has fired is told apart by its token, which the model then forgets. */
    return model->registered && (model->mode != MINIMIO_ONESHOT || model->token != 0) && !model->spent;
}

static bool is_due(const struct model *model)
{
    return model->registered && (model->mode == MINIMIO_LEVEL ? model->unread > 0 : model->due);
}

static void write_one(struct model *model)
{
    if (!model->stream)
        return;
    send_text(model->other, "x");
    model->unread++;
    await_arrival(model->fd, model->unread);
    if (is_armed(model))
        model->due = true;
}

static void read_one(struct model *model)
{
    char byte;

    if (model->unread == 0)
        return;
    ck_assert_int_eq(minimio_tcp_stream_read(model->stream, &byte, 1), 1);
    if (--model->unread > 0)
        return;
    ck_assert_int_eq(minimio_tcp_stream_read(model->stream, &byte, 1), -EAGAIN);
    /* The kernel looks again before it reports: what was read meanwhile is no event. */
    model->stale = edge_awaits_the_end && is_armed(model);
    model->due = false;
    model->spent = false;
}

static struct model *find(minimio_token token)
{
    for (int i = 0; i < SOCKETS; i++)
        if (models[i].registered && models[i].token == token)
            return &models[i];
    ck_abort_msg("token %llu is nobody's", (unsigned long long)token);
}

static void take(const struct minimio_event *event)
{
    struct model *model = find(minimio_event_id(event));

    ck_assert(minimio_event_is_readable(event));
    ck_assert(!minimio_event_is_read_closed(event));
    ck_assert_msg(is_due(model) || model->stale, "token %llu has nothing new: mode %d, %zu unread",
                  (unsigned long long)model->token, model->mode, model->unread);
    model->due = false;
    model->stale = false;
    model->spent = edge_awaits_the_end && model->mode == MINIMIO_EDGE;
    if (model->mode == MINIMIO_ONESHOT)
        model->token = 0;
}

static void poll_all(void)
{
    struct minimio_event events[SOCKETS + 1];
    int capacity = 1 + rand() % (SOCKETS + 1);
    int due = 0, possible = 0;

    for (int i = 0; i < SOCKETS; i++) {
        due += is_due(&models[i]);
        possible += is_due(&models[i]) || models[i].stale;
    }
    if (rand() % 4 == 0)
        ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    int count = minimio_poll_poll(queue, events, (size_t)capacity, 0);
    ck_assert_int_ge(count, due < capacity ? due : capacity);
    ck_assert_int_le(count, possible < capacity ? possible : capacity);
    for (int i = 0; i < count; i++)
        take(&events[i]);
    /* It looked at all there is. */
    for (int i = 0; i < SOCKETS && count < capacity; i++)
        models[i].stale = false;
}

START_TEST(a_random_walk_agrees_with_the_model)
{
    static void (*const steps[])(struct model *) = {toggle_open, try_register, try_reregister, try_deregister,
                                                    write_one,   write_one,    read_one,       read_one};

    srand((unsigned)_i + 1);
    for (int i = 0; i < SOCKETS; i++) {
        models[i] = (struct model){.fd = MINIMIO_INVALID_FD};
        toggle_open(&models[i]);
    }
    for (int step = 0; step < STEPS; step++) {
        if (rand() % 4 == 0)
            poll_all();
        else
            steps[rand() % 8](&models[rand() % SOCKETS]);
    }
    for (int i = 0; i < SOCKETS; i++)
        if (models[i].stream)
            toggle_open(&models[i]);
    assert_quiet();
}
END_TEST

Suite *library_random_walk_suite(void)
{
    Suite *suite = suite_create("library_random_walk");
    TCase *tests = tcase_create("random walk");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up_queue, tear_down_queue);
    tcase_add_loop_test(tests, a_random_walk_agrees_with_the_model, 0, 10);
    suite_add_tcase(suite, tests);
    return suite;
}
