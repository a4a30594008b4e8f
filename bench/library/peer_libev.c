/* SPDX-License-Identifier: MIT */
/*
 * libev on its epoll backend, which is level-triggered. A oneshot is a watcher that is stopped and started. libev
 * gathers changes until the next wait, and a stopped watcher stays in the kernel until the close of the descriptor.
 */
#include "bench/library/peer.h"

#include <ev.h>
#include <stdlib.h>

static struct ev_loop *loop;
static ev_io *watchers;
static const int *fds;
static enum mode mode;

static void rearm(ev_io *watcher)
{
    ev_io_stop(loop, watcher);
    ev_io_start(loop, watcher);
}

static void on_event(struct ev_loop *its_loop, ev_io *watcher, int events)
{
    (void)its_loop;
    if (!(events & EV_READ))
        return;
    handle((int)(watcher - watchers));
    if (mode == ONESHOT)
        rearm(watcher);
}

static void open_queue(const int *their_fds, int count, enum mode wanted)
{
    fds = their_fds;
    mode = wanted;
    loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    watchers = calloc((size_t)count, sizeof *watchers);
    need(loop && watchers, "ev_loop_new");
}

static void add(int index)
{
    ev_io_init(&watchers[index], on_event, fds[index], EV_READ);
    ev_io_start(loop, &watchers[index]);
}

static void change(int index)
{
    rearm(&watchers[index]);
}

static void drop(int index)
{
    ev_io_stop(loop, &watchers[index]);
}

static void flush(void)
{
    ev_run(loop, EVRUN_NOWAIT);
}

static void turn(void)
{
    ev_run(loop, EVRUN_ONCE);
}

static void close_queue(void)
{
    ev_loop_destroy(loop);
    free(watchers);
}

const struct peer peer_libev = {
    .name = "libev",
    .has = {[LEVEL] = true, [ONESHOT] = true},
    .open = open_queue,
    .add = add,
    .change = change,
    .remove = drop,
    .flush = flush,
    .turn = turn,
    .close = close_queue,
};
