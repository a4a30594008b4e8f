/* SPDX-License-Identifier: MIT */
#include "daemon/manager/notify_socket.h"

#include "daemon/base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_MS 50 /* for errors without a later event, as of exhausted memory */

static void on_room(struct source *source, const struct minimio_event *event)
{
    struct notify_socket *notify = container_of(source, struct notify_socket, room);

    (void)event;
    notify->full = false;
    reactor_unwatch(notify->reactor, notify->fd);
}

static void on_retry(struct timer *timer)
{
    struct notify_socket *notify = container_of(timer, struct notify_socket, retry);

    notify->full = false;
}

/* The socket is connected, because the kernel reports room in the receiver's queue for connected sockets only. */
static int manager_connect(const char *text)
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

void notify_socket_init(struct notify_socket *notify, struct reactor *reactor, const char *address)
{
    *notify = (struct notify_socket){.room.ready = on_room, .reactor = reactor, .address = address, .fd = -1};
    if (!address || !*address)
        return;
    notify->fd = manager_connect(address);
    if (notify->fd < 0)
        log_write(LOG_LEVEL_WARNING, "running without a service manager: NOTIFY_SOCKET=%s cannot be used: %s", address,
                  strerror(-notify->fd));
}

static void stop_waiting(struct notify_socket *notify)
{
    timer_stop(&notify->reactor->timers, &notify->retry);
    if (notify->full)
        reactor_unwatch(notify->reactor, notify->fd);
    notify->full = false;
}

void notify_socket_deinit(struct notify_socket *notify)
{
    if (notify->fd < 0)
        return;
    stop_waiting(notify);
    close(notify->fd);
    notify->fd = -1;
}

bool notify_socket_is_open(const struct notify_socket *notify)
{
    return notify->fd >= 0;
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

static int wait_for_room(struct notify_socket *notify, int error)
{
    notify->full = true;
    if (error != -EAGAIN ||
        reactor_watch(notify->reactor, notify->fd, &notify->room, MINIMIO_WRITABLE, MINIMIO_ONESHOT) < 0)
        timer_start(&notify->reactor->timers, &notify->retry, RETRY_MS, on_retry);
    return -EAGAIN;
}

/* The manager may have replaced its socket: reconnect, because without pings the watchdog would kill the daemon. */
static int transmit_anew(struct notify_socket *notify, const char *text, size_t length, int fd)
{
    int fresh = manager_connect(notify->address);

    if (fresh < 0)
        return fresh;
    close(notify->fd);
    notify->fd = fresh;
    return transmit(fresh, text, length, fd);
}

static bool is_for_now(int error)
{
    /* ETOOMANYREFS: the user has more descriptors in flight than RLIMIT_NOFILE allows. */
    return error == -EAGAIN || error == -EINTR || error == -ENOBUFS || error == -ENOMEM || error == -ETOOMANYREFS;
}

int notify_socket_send(struct notify_socket *notify, const char *text, size_t length, int fd)
{
    int result;

    if (notify->fd < 0)
        return -ENOTCONN;
    if (notify->full)
        return -EAGAIN;
    result = transmit(notify->fd, text, length, fd);
    if (result < 0 && !is_for_now(result))
        result = transmit_anew(notify, text, length, fd);
    if (result == 0)
        return 0;
    if (is_for_now(result))
        return wait_for_room(notify, result);
    log_write(LOG_LEVEL_WARNING, "lost the connection to the service manager: %s", strerror(-result));
    notify_socket_deinit(notify);
    return -ENOTCONN;
}
