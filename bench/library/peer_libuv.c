/* SPDX-License-Identifier: MIT */
/*
 * libuv's uv_poll, which is level-triggered. A oneshot is a handle that is stopped and started. libuv gathers new
 * handles until the next wait.
 */
#include "bench/library/peer.h"

#include <stdlib.h>
#include <uv.h>

static uv_loop_t loop;
static uv_poll_t *handles;
static const int *fds;
static enum mode mode;

static void rearm(uv_poll_t *watched);

static void on_event(uv_poll_t *watched, int status, int events)
{
    if (status < 0 || !(events & UV_READABLE))
        return;
    handle((int)(watched - handles));
    if (mode == ONESHOT)
        rearm(watched);
}

static void rearm(uv_poll_t *watched)
{
    need(uv_poll_stop(watched) == 0, "uv_poll_stop");
    need(uv_poll_start(watched, UV_READABLE, on_event) == 0, "uv_poll_start");
}

static void open_queue(const int *their_fds, int count, enum mode wanted)
{
    fds = their_fds;
    mode = wanted;
    handles = calloc((size_t)count, sizeof *handles);
    need(handles && uv_loop_init(&loop) == 0, "uv_loop_init");
}

static void add(int index)
{
    need(uv_poll_init(&loop, &handles[index], fds[index]) == 0, "uv_poll_init");
    need(uv_poll_start(&handles[index], UV_READABLE, on_event) == 0, "uv_poll_start");
}

static void change(int index)
{
    rearm(&handles[index]);
}

static void drop(int index)
{
    uv_close((uv_handle_t *)&handles[index], NULL);
}

static void flush(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void turn(void)
{
    uv_run(&loop, UV_RUN_ONCE);
}

static void close_queue(void)
{
    need(uv_loop_close(&loop) == 0, "uv_loop_close");
    free(handles);
}

const struct peer peer_libuv = {
    .name = "libuv",
    .has = {[LEVEL] = true, [ONESHOT] = true},
    .open = open_queue,
    .add = add,
    .change = change,
    .remove = drop,
    .flush = flush,
    .turn = turn,
    .close = close_queue,
};
