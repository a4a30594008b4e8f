/* SPDX-License-Identifier: MIT */
#include "daemon/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FEWEST 4

/* ---- The queue -------------------------------------------------------------------------------------------------- */

int descriptors_reserve(struct descriptors *descriptors, uint32_t more)
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
    descriptors_peek(descriptors, fds, descriptors->count);
    free(descriptors->fds);
    *descriptors = (struct descriptors){.fds = fds, .count = descriptors->count, .capacity = capacity};
    return 0;
}

void descriptors_put(struct descriptors *descriptors, int fd)
{
    descriptors->fds[(descriptors->first + descriptors->count++) % descriptors->capacity] = fd;
}

int descriptors_take(struct descriptors *descriptors)
{
    int fd;

    if (!descriptors->count)
        return -1;
    fd = descriptors->fds[descriptors->first];
    descriptors->first = (descriptors->first + 1) % descriptors->capacity;
    if (--descriptors->count == 0) {
        free(descriptors->fds);
        *descriptors = (struct descriptors){0};
    }
    return fd;
}

int descriptors_take_newest(struct descriptors *descriptors)
{
    int fd = descriptors->fds[(descriptors->first + descriptors->count - 1) % descriptors->capacity];

    if (descriptors->count == 1)
        return descriptors_take(descriptors);
    descriptors->count--;
    return fd;
}

int *descriptors_at(struct descriptors *descriptors, uint32_t index)
{
    return &descriptors->fds[(descriptors->first + index) % descriptors->capacity];
}

void descriptors_peek(const struct descriptors *descriptors, int *ret_fds, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ret_fds[i] = descriptors->fds[(descriptors->first + i) % descriptors->capacity];
}

/* ---- Receiving -------------------------------------------------------------------------------------------------- */

static int room_begins = INT_MAX;

void descriptors_set_room(uint32_t first)
{
    room_begins = (int)first;
}

bool descriptor_is_in_room(int fd)
{
    return fd >= room_begins;
}

/* Takes what came; what there is no memory for is lost, and with it the order of the rest. */
static void put_received(struct descriptors *descriptors, const struct cmsghdr *header, bool *ret_cut)
{
    size_t bytes = header->cmsg_len - CMSG_LEN(0);
    int fds[DESCRIPTORS_PASSED_MAX + 1];
    uint32_t count = (uint32_t)(bytes / sizeof fds[0]);
    bool has_room = descriptors_reserve(descriptors, count) == 0;

    memcpy(fds, CMSG_DATA(header), bytes);
    for (uint32_t i = 0; i < count; i++) {
        if (has_room)
            descriptors_put(descriptors, fds[i]);
        else
            close(fds[i]);
        *ret_cut |= descriptor_is_in_room(fds[i]);
    }
    *ret_cut |= !has_room;
}

ssize_t descriptors_receive(struct descriptors *descriptors, int socket, char *room, size_t size, bool *ret_cut)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(DESCRIPTORS_PASSED_MAX * sizeof(int))];
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

ssize_t descriptors_look(int socket, char *room, size_t size, bool *ret_cut)
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
void descriptors_prepare_socket(int socket)
{
    set_option(socket, SOL_SOCKET, SO_OOBINLINE, 1);
}

void descriptors_allow(int socket, bool allowed)
{
    set_option(socket, SOL_SOCKET, SO_PASSRIGHTS, allowed);
}

/* ---- One descriptor --------------------------------------------------------------------------------------------- */

/* close() of a socket with unsent data waits for as long as SO_LINGER says, non-blocking or not. */
bool descriptor_lingers(int fd)
{
    struct linger linger = {0};
    socklen_t length = sizeof linger;

    return getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length) == 0 && linger.l_onoff && linger.l_linger > 0;
}

void descriptor_close(int fd)
{
    struct linger off = {0};

    if (descriptor_lingers(fd))
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
    close(fd);
}

#define NAME_BYTES 32 /* longer than any name that is looked for */

/* The name that the kernel gives a descriptor, or its beginning. */
static void read_name(int fd, char ret_name[NAME_BYTES])
{
    char path[32];
    ssize_t length;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    length = readlink(path, ret_name, NAME_BYTES - 1);
    ret_name[length < 0 ? 0 : length] = '\0';
}

static bool begins_with(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

/* The names of what the kernel makes to be waited for, as /proc tells them. */
static bool is_event_source(int fd)
{
    static const char *const names[] = {"pipe:", "anon_inode:[eventfd]", "anon_inode:[timerfd]", "anon_inode:inotify",
                                        "anon_inode:[pidfd]"};
    char name[NAME_BYTES];

    read_name(fd, name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (begins_with(name, names[i]))
            return true;
    return false;
}

/*
 * An epoll descriptor asks whatever is in it whether it is ready, and that may be anything. An io_uring descriptor runs
 * its owner's requests when it is closed. A signalfd reports the signals of the process that waits for it: the
 * daemon's.
 */
const char *descriptor_refused_name(int fd)
{
    static const struct {
        const char *prefix, *name;
    } known[] = {{"anon_inode:[eventpoll]", "an epoll descriptor"},
                 {"anon_inode:[io_uring]", "an io_uring descriptor"},
                 {"anon_inode:[signalfd]", "a signalfd, which would report the daemon's own signals,"},
                 {"/", "a file, folder or device"}};
    char name[NAME_BYTES];

    read_name(fd, name);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (begins_with(name, known[i].prefix))
            return known[i].name;
    return "this descriptor";
}

/* A pipe that has a name. Only pipes have a capacity, an O_PATH descriptor has none, and the file system is not asked.
 */
static bool is_fifo(int fd)
{
    return fcntl(fd, F_GETPIPE_SZ) >= 0;
}

int descriptor_inspect(int fd, enum descriptor_kind *ret_kind)
{
    int type;
    socklen_t length = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0)
        *ret_kind = type == SOCK_STREAM || type == SOCK_SEQPACKET ? DESCRIPTOR_STREAM : DESCRIPTOR_DATAGRAM;
    else if (is_event_source(fd) || is_fifo(fd))
        *ret_kind = DESCRIPTOR_OTHER;
    else
        return -EPERM;
    return 0;
}

bool descriptor_carries_credentials(int fd)
{
    int domain;
    socklen_t length = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && (domain == AF_UNIX || domain == AF_NETLINK);
}

/* What is not TCP does not know TCP's option: that spares the question. */
bool descriptor_set_tcp_options(int fd, bool nodelay, bool keepalive)
{
    return set_option(fd, IPPROTO_TCP, TCP_NODELAY, nodelay) == 0 &&
           set_option(fd, SOL_SOCKET, SO_KEEPALIVE, keepalive) == 0;
}

int descriptor_set_up_listener(int fd)
{
    int listens = 0, on = 1;
    socklen_t length = sizeof listens;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) < 0 || !listens)
        return 0;
    return ioctl(fd, FIONBIO, &on) < 0 ? -errno : 0;
}
