/* SPDX-License-Identifier: MIT */
/* libevent on its epoll backend. A oneshot is an event without EV_PERSIST, added again after each event. */
#include "bench/library/peer.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct event_base *base;
static struct event *events;
static const int *fds;
static enum mode mode;

static void on_event(evutil_socket_t fd, short what, void *data)
{
    int index = (int)(intptr_t)data;

    (void)fd;
    if (!(what & EV_READ))
        return;
    handle(index);
    if (mode == ONESHOT)
        need(event_add(&events[index], NULL) == 0, "event_add");
}

static void open_queue(const int *their_fds, int count, enum mode wanted)
{
    fds = their_fds;
    mode = wanted;
    base = event_base_new();
    events = calloc((size_t)count, sizeof *events);
    need(base && events && strcmp(event_base_get_method(base), "epoll") == 0, "event_base_new");
}

static void add(int index)
{
    static const short flags[MODES] = {[LEVEL] = EV_PERSIST, [EDGE] = EV_PERSIST | EV_ET, [ONESHOT] = 0};

    event_assign(&events[index], base, fds[index], (short)(EV_READ | flags[mode]), on_event, (void *)(intptr_t)index);
    need(event_add(&events[index], NULL) == 0, "event_add");
}

static void drop(int index)
{
    need(event_del(&events[index]) == 0, "event_del");
}

static void change(int index)
{
    drop(index);
    need(event_add(&events[index], NULL) == 0, "event_add");
}

static void turn(void)
{
    need(event_base_loop(base, EVLOOP_ONCE) == 0, "event_base_loop");
}

static void close_queue(void)
{
    event_base_free(base);
    free(events);
}

const struct peer peer_libevent = {
    .name = "libevent",
    .has = {[LEVEL] = true, [EDGE] = true, [ONESHOT] = true},
    .open = open_queue,
    .add = add,
    .change = change,
    .remove = drop,
    .turn = turn,
    .close = close_queue,
};
