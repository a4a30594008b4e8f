/* SPDX-License-Identifier: MIT */
#include "daemon/base/fd_queue.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FEWEST 4

/* ---- The queue -------------------------------------------------------------------------------------------------- */

int fd_queue_reserve(struct fd_queue *descriptors, uint32_t more)
{
    uint32_t needed = descriptors->count + more, capacity = FEWEST;
    int *fds;

    if (needed <= descriptors->capacity)
        return 0;
    while (capacity < needed)
        capacity *= 2;
    fds = malloc(capacity * sizeof *fds);
    if (!fds)
        return -ENOMEM;
    fd_queue_peek(descriptors, fds, descriptors->count);
    free(descriptors->fds);
    *descriptors = (struct fd_queue){.fds = fds, .count = descriptors->count, .capacity = capacity};
    return 0;
}

void fd_queue_put(struct fd_queue *descriptors, int fd)
{
    descriptors->fds[(descriptors->first + descriptors->count++) % descriptors->capacity] = fd;
}

int fd_queue_take(struct fd_queue *descriptors)
{
    int fd;

    if (!descriptors->count)
        return -1;
    fd = descriptors->fds[descriptors->first];
    descriptors->first = (descriptors->first + 1) % descriptors->capacity;
    if (--descriptors->count == 0) {
        free(descriptors->fds);
        *descriptors = (struct fd_queue){0};
    }
    return fd;
}

int fd_queue_take_newest(struct fd_queue *descriptors)
{
    int fd = descriptors->fds[(descriptors->first + descriptors->count - 1) % descriptors->capacity];

    if (descriptors->count == 1)
        return fd_queue_take(descriptors);
    descriptors->count--;
    return fd;
}

int *fd_queue_at(struct fd_queue *descriptors, uint32_t index)
{
    return &descriptors->fds[(descriptors->first + index) % descriptors->capacity];
}

void fd_queue_peek(const struct fd_queue *descriptors, int *ret_fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ret_fds[i] = descriptors->fds[(descriptors->first + i) % descriptors->capacity];
}

/* ---- Receiving -------------------------------------------------------------------------------------------------- */

static int room_begins = INT_MAX;

void fd_room_set(uint32_t first)
{
    room_begins = (int)first;
}

bool fd_room_has(int fd)
{
    return fd >= room_begins;
}

/* Takes what came; what there is no memory for is lost, and with it the order of the rest. */
static void put_received(struct fd_queue *descriptors, const struct cmsghdr *header, bool *ret_cut)
{
    size_t bytes = header->cmsg_len - CMSG_LEN(0);
    int fds[FD_PASSED_MAX + 1];
    uint32_t count = (uint32_t)(bytes / sizeof fds[0]);
    bool has_room = fd_queue_reserve(descriptors, count) == 0;

    memcpy(fds, CMSG_DATA(header), bytes);
    for (uint32_t i = 0; i < count; i++) {
        if (has_room)
            fd_queue_put(descriptors, fds[i]);
        else
            close(fds[i]);
        *ret_cut |= fd_room_has(fds[i]);
    }
    *ret_cut |= !has_room;
}

ssize_t fd_queue_receive(struct fd_queue *descriptors, int socket, char *room, size_t size, bool *ret_cut)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(FD_PASSED_MAX * sizeof(int))];
    } control;
    struct iovec piece = {.iov_base = room, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (length < 0)
        return -errno;
    *ret_cut = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            put_received(descriptors, header, ret_cut);
    return length;
}

ssize_t fd_queue_look(int socket, char *room, size_t size, bool *ret_cut)
{
    struct iovec piece = {.iov_base = room, .iov_len = size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_PEEK);

    if (length < 0)
        return -errno;
    *ret_cut = (message.msg_flags & MSG_CTRUNC) != 0;
    return length;
}

#ifndef SO_PASSRIGHTS /* of Linux 6.16: whether descriptors may be sent to a Unix socket */
#if defined __hppa__
#define SO_PASSRIGHTS 0x4051
#elif defined __sparc__
#define SO_PASSRIGHTS 0x005c
#else
#define SO_PASSRIGHTS 83
#endif
#endif

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/* A byte that is sent out of band is otherwise skipped by a read, and the kernel closes what came beside it, which may
 * wait for as long as the sender likes. */
void fd_passing_prepare(int socket)
{
    set_option(socket, SOL_SOCKET, SO_OOBINLINE, 1);
}

void fd_passing_allow(int socket, bool allowed)
{
    set_option(socket, SOL_SOCKET, SO_PASSRIGHTS, allowed);
}
