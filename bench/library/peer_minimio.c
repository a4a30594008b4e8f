/* SPDX-License-Identifier: MIT */
/* libminimio through minimio.h, as any program. */
#include "bench/library/peer.h"

#include "libminimio/minimio.h"

static const enum minimio_mode modes[MODES] = {
    [LEVEL] = MINIMIO_LEVEL, [EDGE] = MINIMIO_EDGE, [ONESHOT] = MINIMIO_ONESHOT};

static struct minimio_event events[BATCH];
static struct minimio_poll *queue;
static struct minimio_registrator *registrator;
static const int *fds;
static enum minimio_mode mode;

static void open_queue(const int *their_fds, int count, enum mode wanted)
{
    (void)count;
    fds = their_fds;
    mode = modes[wanted];
    need(minimio_poll_new(&queue) == 0, "minimio_poll_new");
    registrator = minimio_poll_registrator(queue);
    need(registrator, "minimio_poll_registrator");
}

static void add(int index)
{
    int result = minimio_registrator_register_fd(registrator, fds[index], (minimio_token)index, MINIMIO_READABLE, mode);

    need(result == 0, "minimio_registrator_register_fd");
}

static void change(int index)
{
    int result =
        minimio_registrator_reregister_fd(registrator, fds[index], (minimio_token)index, MINIMIO_READABLE, mode);

    need(result == 0, "minimio_registrator_reregister_fd");
}

static void drop(int index)
{
    need(minimio_registrator_deregister_fd(registrator, fds[index]) == 0, "minimio_registrator_deregister_fd");
}

static void turn(void)
{
    int count = minimio_poll_poll(queue, events, BATCH, MINIMIO_FOREVER);

    need(count > 0, "minimio_poll_poll");
    for (int i = 0; i < count; i++) {
        if (!minimio_event_is_readable(&events[i]))
            continue;
        int index = (int)minimio_event_id(&events[i]);
        handle(index);
        if (mode == MINIMIO_ONESHOT)
            change(index);
    }
}

static void close_queue(void)
{
    registrator = minimio_registrator_free(registrator);
    queue = minimio_poll_free(queue);
}

const struct peer peer_minimio = {
    .name = "minimio",
    .has = {[LEVEL] = true, [EDGE] = true, [ONESHOT] = true},
    .open = open_queue,
    .add = add,
    .change = change,
    .remove = drop,
    .turn = turn,
    .close = close_queue,
};
