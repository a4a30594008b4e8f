/* SPDX-License-Identifier: MIT */
/*
 * Random calls against a model of what must come of them: sockets are opened, closed, registered, changed,
 * forgotten, written to and drained, and each poll must report what the model says, and nothing else.
 */
#include "tests/library/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *library_random_walk_suite(void);

#define SOCKETS 12
#define STEPS   4000

struct model {
    int fd, other; /* -1: closed */
    size_t unread;
    bool registered;
    minimio_token token;
    enum minimio_mode mode;
    bool due; /* an event must come (EDGE and ONESHOT; under LEVEL, whenever there is something unread) */
    bool may; /* or it may: to refuse a second register, a kqueue has to look anew at the first */
};

static struct model models[SOCKETS];
static minimio_token next_token = 1;

static void toggle_open(struct model *model)
{
    int fds[2];

    if (model->fd >= 0) {
        close(model->fd);
        close(model->other);
        *model = (struct model){.fd = -1, .other = -1};
        return;
    }
    unix_pair(fds);
    *model = (struct model){.fd = fds[0], .other = fds[1]};
}

static void arm(struct model *model, minimio_token token, enum minimio_mode mode)
{
    model->registered = true;
    model->token = token;
    model->mode = mode;
    model->due = model->unread > 0;
    model->may = false;
}

static void try_register(struct model *model)
{
    enum minimio_mode mode = (enum minimio_mode)(rand() % 3);
    minimio_token token = next_token++;
    int expected = model->fd < 0 ? -EBADF : model->registered ? -EEXIST : 0;

    ck_assert_int_eq(minimio_registrator_register_fd(registrator, model->fd, token, MINIMIO_READABLE, mode), expected);
    if (expected == 0)
        arm(model, token, mode);
    else if (expected == -EEXIST && strcmp(minimio_backend(), "kqueue") == 0)
        model->may = model->mode == MINIMIO_EDGE && model->unread > 0 && !model->due;
}

static void try_reregister(struct model *model)
{
    enum minimio_mode mode = (enum minimio_mode)(rand() % 3);
    minimio_token token = next_token++;
    int expected = model->fd < 0 ? -EBADF : model->registered ? 0 : -ENOENT;

    ck_assert_int_eq(minimio_registrator_reregister_fd(registrator, model->fd, token, MINIMIO_READABLE, mode),
                     expected);
    if (expected == 0)
        arm(model, token, mode);
}

static void try_deregister(struct model *model)
{
    int expected = model->fd < 0 ? -EBADF : model->registered ? 0 : -ENOENT;

    ck_assert_int_eq(minimio_registrator_deregister_fd(registrator, model->fd), expected);
    model->registered = false;
    model->due = model->may = false;
}

static bool is_armed(const struct model *model)
{
    /* A oneshot that has fired is told apart by its token, which the model then forgets. */
    return model->registered && (model->mode != MINIMIO_ONESHOT || model->token != 0);
}

static void write_one(struct model *model)
{
    if (model->fd < 0)
        return;
    send_text(model->other, "x");
    model->unread++;
    model->due = is_armed(model);
    model->may = false;
}

static void read_one(struct model *model)
{
    char byte;

    if (model->fd < 0 || model->unread == 0)
        return;
    ck_assert_int_eq(read(model->fd, &byte, 1), 1);
    model->unread--;
    /* The kernel looks again before it reports: what was read meanwhile is no event. */
    if (model->unread == 0)
        model->due = model->may = false;
}

static struct model *find(minimio_token token)
{
    for (int i = 0; i < SOCKETS; i++)
        if (models[i].registered && models[i].token == token)
            return &models[i];
    ck_abort_msg("token %llu is nobody's", (unsigned long long)token);
}

static bool is_due(const struct model *model)
{
    return model->registered && (model->mode == MINIMIO_LEVEL ? model->unread > 0 : model->due);
}

static void take(const struct minimio_event *event)
{
    struct model *model = find(minimio_event_id(event));

    ck_assert(minimio_event_is_readable(event));
    ck_assert(!minimio_event_is_read_closed(event));
    ck_assert_msg(is_due(model) || model->may, "token %llu has nothing new: mode %d, %zu unread",
                  (unsigned long long)model->token, model->mode, model->unread);
    model->due = model->may = false;
    if (model->mode == MINIMIO_ONESHOT)
        model->token = 0;
}

static int count_due(void)
{
    int count = 0;

    for (int i = 0; i < SOCKETS; i++)
        count += is_due(&models[i]);
    return count;
}

static int count_possible(void)
{
    int count = count_due();

    for (int i = 0; i < SOCKETS; i++)
        count += models[i].may;
    return count;
}

static void poll_all(void)
{
    struct minimio_event events[SOCKETS + 1];
    size_t capacity = 1 + (size_t)rand() % (SOCKETS + 1);
    int due = count_due(), possible = count_possible();

    if (rand() % 4 == 0)
        ck_assert_int_eq(minimio_registrator_wake(registrator), 0);
    int least = due < (int)capacity ? due : (int)capacity;
    int count = minimio_poll_poll(queue, events, capacity, 0);
    for (int i = 0; i < count; i++)
        take(&events[i]);
    ck_assert_int_ge(count, least);
    ck_assert_int_le(count, possible);
}

START_TEST(a_random_walk_agrees_with_the_model)
{
    static void (*const steps[])(struct model *) = {toggle_open, try_register, try_reregister, try_deregister,
                                                    write_one,   write_one,    read_one,       read_one};

    srand((unsigned)_i + 1);
    for (int i = 0; i < SOCKETS; i++) {
        models[i] = (struct model){.fd = -1, .other = -1};
        toggle_open(&models[i]);
    }
    for (int step = 0; step < STEPS; step++) {
        if (rand() % 4 == 0)
            poll_all();
        else
            steps[rand() % 8](&models[rand() % SOCKETS]);
    }
    for (int i = 0; i < SOCKETS; i++)
        if (models[i].fd >= 0)
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
