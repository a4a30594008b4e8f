/* SPDX-License-Identifier: MIT */
#include "daemon/manager/notify_socket.h"

#include "daemon/base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_MS 50 /* for what the kernel does not tell the end of: it is out of memory */

static void room(struct source *source, const struct minimio_event *event)
{
    struct notify_socket *link = container_of(source, struct notify_socket, room);

    (void)event;
    link->full = false;
    reactor_unwatch(link->reactor, link->fd);
}

static void retry(struct timer *timer)
{
    struct notify_socket *link = container_of(timer, struct notify_socket, retry);

    link->full = false;
}

/* Connected, as the kernel tells only then when the other side's queue has room. */
static int connect_to(const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(text);
    int fd, result = 0;

    if ((*text != '/' && *text != '@') || !text[1])
        return -EINVAL;
    if (length >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, text, length);
    if (*text == '@')
        *address.sun_path = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*text == '/'))) < 0) {
        result = -errno;
        close(fd);
    }
    return result < 0 ? result : fd;
}

void notify_socket_init(struct notify_socket *link, struct reactor *reactor, const char *address)
{
    *link = (struct notify_socket){.room.ready = room, .reactor = reactor, .address = address, .fd = -1};
    if (!address || !*address)
        return;
    link->fd = connect_to(address);
    if (link->fd < 0)
        log_write(LOG_LEVEL_WARNING, "running without a service manager: NOTIFY_SOCKET=%s cannot be used: %s", address,
                  strerror(-link->fd));
}

static void stop_waiting(struct notify_socket *link)
{
    timer_stop(&link->reactor->timers, &link->retry);
    if (link->full)
        reactor_unwatch(link->reactor, link->fd);
    link->full = false;
}

void notify_socket_deinit(struct notify_socket *link)
{
    if (link->fd < 0)
        return;
    stop_waiting(link);
    close(link->fd);
    link->fd = -1;
}

bool notify_socket_is_open(const struct notify_socket *link)
{
    return link->fd >= 0;
}

static int transmit(int to, const char *text, size_t length, int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec bytes = {.iov_base = (char *)text, .iov_len = length};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    }
    return sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static int wait_for_room(struct notify_socket *link, int error)
{
    link->full = true;
    if (error != -EAGAIN || reactor_watch(link->reactor, link->fd, &link->room, MINIMIO_WRITABLE, MINIMIO_ONESHOT) < 0)
        timer_start(&link->reactor->timers, &link->retry, RETRY_MS, retry);
    return -EAGAIN;
}

/* Where the manager has another socket by now it is told there, or its watchdog would end the daemon. */
static int transmit_anew(struct notify_socket *link, const char *text, size_t length, int fd)
{
    int fresh = connect_to(link->address);

    if (fresh < 0)
        return fresh;
    close(link->fd);
    link->fd = fresh;
    return transmit(fresh, text, length, fd);
}

static bool is_for_now(int error)
{
    /* ETOOMANYREFS: more descriptors of this user are under way to others than it may have open. */
    return error == -EAGAIN || error == -EINTR || error == -ENOBUFS || error == -ENOMEM || error == -ETOOMANYREFS;
}

int notify_socket_send(struct notify_socket *link, const char *text, size_t length, int fd)
{
    int result;

    if (link->fd < 0)
        return -ENOTCONN;
    if (link->full)
        return -EAGAIN;
    result = transmit(link->fd, text, length, fd);
    if (result < 0 && !is_for_now(result))
        result = transmit_anew(link, text, length, fd);
    if (result == 0)
        return 0;
    if (is_for_now(result))
        return wait_for_room(link, result);
    log_write(LOG_LEVEL_WARNING, "lost the connection to the service manager: %s", strerror(-result));
    notify_socket_deinit(link);
    return -ENOTCONN;
}
