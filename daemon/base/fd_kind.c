/* SPDX-License-Identifier: MIT */
#include "daemon/base/fd_kind.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int fd_set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/* close() of a socket with unsent data waits for the time of SO_LINGER, even on a non-blocking socket. */
bool fd_lingers(int fd)
{
    struct linger linger = {0};
    socklen_t length = sizeof linger;

    return getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length) == 0 && linger.l_onoff && linger.l_linger > 0;
}

void fd_close(int fd)
{
    struct linger off = {0};

    if (fd_lingers(fd))
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
    close(fd);
}

#define NAME_BYTES 32 /* longer than any prefix in the tables below */

/* The name of a descriptor in /proc, possibly truncated. */
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

/* Names in /proc of the kernel objects that are made for waiting. */
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
 * Polling an epoll descriptor polls every descriptor in the set, of any kind. Closing an io_uring descriptor runs the
 * owner's requests. A signalfd reports the signals of the waiting process: the daemon's own.
 */
const char *fd_kind_refused_name(int fd)
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

/* Whether the descriptor is a named pipe. Only pipes have a capacity, an O_PATH descriptor has none, and
 * F_GETPIPE_SZ never calls the file system. */
static bool is_fifo(int fd)
{
    return fcntl(fd, F_GETPIPE_SZ) >= 0;
}

int fd_kind_inspect(int fd, enum fd_kind *ret_kind)
{
    int type;
    socklen_t length = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0)
        *ret_kind = type == SOCK_STREAM || type == SOCK_SEQPACKET ? FD_KIND_STREAM : FD_KIND_DATAGRAM;
    else if (is_event_source(fd) || is_fifo(fd))
        *ret_kind = FD_KIND_OTHER;
    else
        return -EPERM;
    return 0;
}

bool fd_carries_credentials(int fd)
{
    int domain;
    socklen_t length = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && (domain == AF_UNIX || domain == AF_NETLINK);
}

/* The first setsockopt fails on anything but TCP, so no call is needed to ask for the protocol. */
bool fd_set_tcp_options(int fd, bool nodelay, bool keepalive)
{
    return fd_set_option(fd, IPPROTO_TCP, TCP_NODELAY, nodelay) == 0 &&
           fd_set_option(fd, SOL_SOCKET, SO_KEEPALIVE, keepalive) == 0;
}

int fd_set_up_listener(int fd)
{
    int listens = 0, on = 1;
    socklen_t length = sizeof listens;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) < 0 || !listens)
        return 0;
    return ioctl(fd, FIONBIO, &on) < 0 ? -errno : 0;
}
