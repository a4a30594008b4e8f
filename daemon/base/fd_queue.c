/* SPDX-License-Identifier: MIT */
#include "daemon/base/fd_queue.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FEWEST 4

/* ---- The queue -------------------------------------------------------------------------------------------------- */

int fd_queue_reserve(struct fd_queue *queue, uint32_t more)
{
    uint32_t needed = queue->count + more, capacity = FEWEST;
    int *fds;

    if (needed <= queue->capacity)
        return 0;
    while (capacity < needed)
        capacity *= 2;
    fds = malloc(capacity * sizeof *fds);
    if (!fds)
        return -ENOMEM;
    fd_queue_peek(queue, fds, queue->count);
    free(queue->fds);
    *queue = (struct fd_queue){.fds = fds, .count = queue->count, .capacity = capacity};
    return 0;
}

void fd_queue_put(struct fd_queue *queue, int fd)
{
    queue->fds[(queue->first + queue->count++) % queue->capacity] = fd;
}

void fd_queue_trim(struct fd_queue *queue)
{
    if (queue->count)
        return;
    free(queue->fds);
    *queue = (struct fd_queue){0};
}

int fd_queue_take(struct fd_queue *queue)
{
    int fd;

    if (!queue->count)
        return -1;
    fd = queue->fds[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    fd_queue_trim(queue);
    return fd;
}

int fd_queue_take_newest(struct fd_queue *queue)
{
    int fd = queue->fds[(queue->first + queue->count - 1) % queue->capacity];

    if (queue->count == 1)
        return fd_queue_take(queue);
    queue->count--;
    return fd;
}

int *fd_queue_at(struct fd_queue *queue, uint32_t index)
{
    return &queue->fds[(queue->first + index) % queue->capacity];
}

void fd_queue_peek(const struct fd_queue *queue, int *ret_fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ret_fds[i] = queue->fds[(queue->first + i) % queue->capacity];
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

/* Appends the received descriptors. Without memory all of them are closed, and the order of later descriptors no
 * longer matches the requests. */
static void put_received(struct fd_queue *queue, const struct cmsghdr *header, bool *ret_truncated)
{
    size_t bytes = header->cmsg_len - CMSG_LEN(0);
    int fds[FD_PASSED_MAX + 1];
    uint32_t count = (uint32_t)(bytes / sizeof fds[0]);
    bool has_room = fd_queue_reserve(queue, count) == 0;

    memcpy(fds, CMSG_DATA(header), bytes);
    for (uint32_t i = 0; i < count; i++) {
        if (has_room)
            fd_queue_put(queue, fds[i]);
        else
            close(fds[i]);
        *ret_truncated |= fd_room_has(fds[i]);
    }
    *ret_truncated |= !has_room;
}

ssize_t fd_queue_receive(struct fd_queue *queue, int socket, char *room, size_t size, bool *ret_truncated)
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
    *ret_truncated = (message.msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            put_received(queue, header, ret_truncated);
    return length;
}

ssize_t fd_queue_look(int socket, char *room, size_t size, bool *ret_truncated)
{
    struct iovec piece = {.iov_base = room, .iov_len = size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    ssize_t length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_PEEK);

    if (length < 0)
        return -errno;
    *ret_truncated = (message.msg_flags & MSG_CTRUNC) != 0;
    return length;
}

#ifndef SO_PASSRIGHTS /* since Linux 6.16: whether a Unix socket accepts descriptors */
#if defined __hppa__
#define SO_PASSRIGHTS 0x4051
#elif defined __sparc__
#define SO_PASSRIGHTS 0x005c
#else
#define SO_PASSRIGHTS 83
#endif
#endif

static int socket_set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/* A read skips an out-of-band byte, and the kernel then closes the descriptors beside the byte, which may block for
 * as long as the sender likes. SO_OOBINLINE keeps the byte in order. */
void fd_passing_prepare(int socket)
{
    socket_set_option(socket, SOL_SOCKET, SO_OOBINLINE, 1);
}

void fd_passing_allow(int socket, bool allowed)
{
    socket_set_option(socket, SOL_SOCKET, SO_PASSRIGHTS, allowed);
}
