/* SPDX-License-Identifier: MIT */
/* Bare epoll, the base of all peers. */
#include "bench/library/peer.h"

#include <sys/epoll.h>
#include <unistd.h>

static struct epoll_event events[BATCH];
static const int *fds;
static enum mode mode;
static int epoll_fd;

static void control(int operation, int index)
{
    static const uint32_t flags[MODES] = {[LEVEL] = 0, [EDGE] = EPOLLET, [ONESHOT] = EPOLLONESHOT};
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | flags[mode], .data.u32 = (uint32_t)index};

    need(epoll_ctl(epoll_fd, operation, fds[index], &event) == 0, "epoll_ctl");
}

static void open_queue(const int *their_fds, int count, enum mode wanted)
{
    (void)count;
    fds = their_fds;
    mode = wanted;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    need(epoll_fd >= 0, "epoll_create1");
}

static void add(int index)
{
    control(EPOLL_CTL_ADD, index);
}

static void change(int index)
{
    control(EPOLL_CTL_MOD, index);
}

static void drop(int index)
{
    control(EPOLL_CTL_DEL, index);
}

static void turn(void)
{
    int count = epoll_wait(epoll_fd, events, BATCH, -1);

    need(count > 0, "epoll_wait");
    for (int i = 0; i < count; i++) {
        if (!(events[i].events & EPOLLIN))
            continue;
        handle((int)events[i].data.u32);
        if (mode == ONESHOT)
            change((int)events[i].data.u32);
    }
}

static void close_queue(void)
{
    close(epoll_fd);
}

const struct peer peer_epoll = {
    .name = "epoll",
    .has = {[LEVEL] = true, [EDGE] = true, [ONESHOT] = true},
    .open = open_queue,
    .add = add,
    .change = change,
    .remove = drop,
    .turn = turn,
    .close = close_queue,
};
