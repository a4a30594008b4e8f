/* SPDX-License-Identifier: MIT */
/*
 * The whole of it together, as a small runtime uses it: a reactor thread polls with a timeout of 200 ms and sends the
 * tokens on, an executor on the main thread reads the replies of a server that answers late, and closes the loop when
 * the last one is there.
 *
 * The server is late by the reactor's own measure: it sends its n-th reply after n polls that ended at their timeout.
 */
#include "tests/library/support.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

Suite *library_scenario_suite(void);

#define TASKS_MAX       2
#define SENT_MAX        64 /* a reply may come in pieces */
#define POLL_TIMEOUT_NS (200 * MS)

/* What the threads tell each other; of the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static minimio_token sent[SENT_MAX];
static int sent_count, timeouts, reactor_result;

static minimio_fd listener;
static struct sockaddr_storage server_address;
static socklen_t server_address_length;

/* ---- The delay server ------------------------------------------------------------------------------------------- */

/* A request is one byte, the place in the order of the replies. */
static minimio_fd accept_one(int *ret_place)
{
    char place = 0;
    minimio_fd fd = accept(listener, NULL, NULL);

    ck_assert(fd != MINIMIO_INVALID_FD);
    ck_assert_int_eq(recv(fd, &place, 1, 0), 1);
    *ret_place = place - '1';
    return fd;
}

static void *serve(void *task_count)
{
    minimio_fd fds[TASKS_MAX];
    int count = *(int *)task_count;

    for (int i = 0; i < count; i++) {
        int place;
        minimio_fd fd = accept_one(&place);
        ck_assert(place >= 0 && place < count);
        fds[place] = fd;
    }
    for (int place = 0; place < count; place++) {
        char reply[32];
        pthread_mutex_lock(&lock);
        while (timeouts <= place)
            pthread_cond_wait(&changed, &lock);
        pthread_mutex_unlock(&lock);
        snprintf(reply, sizeof(reply), "reply %d", place + 1);
        send_text(fds[place], reply);
        close_fd(fds[place]);
    }
    return NULL;
}

/* ---- The reactor ------------------------------------------------------------------------------------------------ */

static void send_tokens(const struct minimio_event *events, int count)
{
    pthread_mutex_lock(&lock);
    if (count == 0)
        timeouts++;
    ck_assert_int_le(sent_count + count, SENT_MAX);
    for (int i = 0; i < count; i++)
        sent[sent_count++] = minimio_event_id(&events[i]);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void *react(void *unused)
{
    struct minimio_event events[TASKS_MAX];
    int count;

    (void)unused;
    while ((count = minimio_poll_poll(queue, events, TASKS_MAX, POLL_TIMEOUT_NS)) >= 0)
        send_tokens(events, count);
    reactor_result = count;
    return NULL;
}

/* ---- The executor ----------------------------------------------------------------------------------------------- */

struct task {
    minimio_token token;
    int place; /* among the replies, from 1 */
    struct minimio_tcp_stream *stream;
    char reply[32];
    size_t length;
};

static void suspend(struct task *task)
{
    char request = (char)('0' + task->place);

    ck_assert_int_eq(
        minimio_tcp_stream_connect((struct sockaddr *)&server_address, server_address_length, &task->stream), 0);
    while (minimio_tcp_stream_finish_connect(task->stream) == -EINPROGRESS)
        ;
    ck_assert_int_eq(minimio_tcp_stream_write(task->stream, &request, 1), 1);
    ck_assert_int_eq(
        minimio_registrator_register(registrator, task->stream, task->token, MINIMIO_READABLE, MINIMIO_ONESHOT), 0);
}

/* Reads what came. True: that was the end of it. */
static bool resume(struct task *task)
{
    ssize_t count;

    do {
        count =
            minimio_tcp_stream_read(task->stream, task->reply + task->length, sizeof(task->reply) - 1 - task->length);
        if (count > 0)
            task->length += (size_t)count;
    } while (count > 0);
    if (count == 0) {
        task->stream = minimio_tcp_stream_free(task->stream);
        return true;
    }
    ck_assert_int_eq(count, -EAGAIN);
    ck_assert_int_eq(
        minimio_registrator_reregister(registrator, task->stream, task->token, MINIMIO_READABLE, MINIMIO_ONESHOT), 0);
    return false;
}

static minimio_token receive_token(int number)
{
    pthread_mutex_lock(&lock);
    while (sent_count <= number)
        pthread_cond_wait(&changed, &lock);
    minimio_token token = sent[number];
    pthread_mutex_unlock(&lock);
    return token;
}

/* The tasks end in the order of their places. */
static void block_on_all(struct task *tasks, int count)
{
    int ended = 0;

    for (int number = 0; ended < count; number++) {
        minimio_token token = receive_token(number);
        struct task *task = tasks;
        while (task < tasks + count && task->token != token)
            task++;
        ck_assert_msg(task < tasks + count && task->stream, "a token that nobody waits for");
        if (resume(task))
            ck_assert_int_eq(task->place, ++ended);
    }
    ck_assert_int_eq(minimio_registrator_close_loop(registrator), 0);
}

static void run(struct task *tasks, int count)
{
    pthread_t reactor, server;

    listener = listen_on(AF_INET, &server_address, &server_address_length);
    ck_assert_int_eq(pthread_create(&server, NULL, serve, &count), 0);
    ck_assert_int_eq(pthread_create(&reactor, NULL, react, NULL), 0);
    for (int i = 0; i < count; i++)
        suspend(&tasks[i]);
    block_on_all(tasks, count);
    ck_assert_int_eq(pthread_join(reactor, NULL), 0);
    ck_assert_int_eq(pthread_join(server, NULL), 0);
    close_fd(listener);
    ck_assert_int_eq(reactor_result, -ECANCELED);
    for (int i = 0; i < count; i++) {
        char expected[32];
        snprintf(expected, sizeof(expected), "reply %d", tasks[i].place);
        ck_assert_str_eq(tasks[i].reply, expected);
    }
}

START_TEST(a_reactor_and_an_executor_with_one_registration)
{
    struct task task = {.token = 10, .place = 1};

    run(&task, 1);
}
END_TEST

START_TEST(a_reactor_and_an_executor_with_several_registrations)
{
    struct task tasks[] = {{.token = 10, .place = 2}, {.token = 11, .place = 1}};

    run(tasks, 2);
}
END_TEST

Suite *library_scenario_suite(void)
{
    Suite *suite = suite_create("library_scenario");
    TCase *tests = tcase_create("scenario");

    tcase_set_timeout(tests, ASYNC_CASE_TIMEOUT_S);
    tcase_add_checked_fixture(tests, set_up_queue, tear_down_queue);
    tcase_add_test(tests, a_reactor_and_an_executor_with_one_registration);
    tcase_add_test(tests, a_reactor_and_an_executor_with_several_registrations);
    suite_add_tcase(suite, tests);
    return suite;
}
