/* SPDX-License-Identifier: MIT */
#include "daemon/wire/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Clients accepted in a turn: a turn costs less than a client. */
#define ACCEPTS_PER_TURN 1

/* Clients refused before the listener pauses. */
#define TURNED_AWAY_AT_ONCE 64

#define LOCK_SUFFIX ".lock" /* behind the socket's path */

/* ---- Accepting -------------------------------------------------------------------------------------------------- */

static int accept_one(int fd)
{
    return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void open_spare(struct listener *listener)
{
    if (listener->spare < 0)
        listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void listener_watch(struct listener *listener);

static void listener_rested(struct timer *timer)
{
    struct listener *listener = container_of(timer, struct listener, rest);

    open_spare(listener);
    listener_watch(listener);
}

/* A connection that cannot be accepted stays ready. Watching the socket would make the daemon busy-loop. */
static void listener_rest(struct listener *listener)
{
    reactor_unwatch(listener->reactor, listener->fd);
    timer_start(&listener->reactor->timers, &listener->rest, LISTENER_REST_MS, listener_rested);
}

static void listener_watch(struct listener *listener)
{
    if (reactor_watch(listener->reactor, listener->fd, &listener->source, MINIMIO_READABLE, MINIMIO_LEVEL) < 0)
        timer_start(&listener->reactor->timers, &listener->rest, LISTENER_REST_MS, listener_rested);
}

/* The spare descriptor makes room to accept, refuse and close one client at a time. */
static void listener_turn_away(struct listener *listener)
{
    for (int i = 0; i < TURNED_AWAY_AT_ONCE && listener->spare >= 0; i++) {
        int fd;

        close(listener->spare);
        listener->spare = -1;
        fd = accept_one(listener->fd);
        if (fd >= 0)
            listener->exhausted(listener->owner, fd);
        open_spare(listener);
        if (fd < 0)
            break;
    }
    listener_rest(listener);
}

static bool out_of_descriptors(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void listener_ready(struct source *source, const struct minimio_event *event)
{
    struct listener *listener = container_of(source, struct listener, source);

    (void)event;
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept_one(listener->fd);
        if (fd >= 0) {
            listener->accepted(listener->owner, fd);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR)
            continue;
        if (out_of_descriptors(errno))
            listener_turn_away(listener);
        else if (errno != EAGAIN)
            listener_rest(listener); /* a refusal by a security module leaves the connection in the backlog */
        break;
    }
}

/* ---- The socket file -------------------------------------------------------------------------------------------- */

static int connect_to(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result = 0;

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
        result = -errno;
    close(fd);
    return result;
}

/* Removes a stale socket file. EAGAIN from connect: a daemon listens, and the backlog is full. */
static int clear_path(const struct sockaddr_un *address)
{
    struct stat found;
    int answer;

    if (lstat(address->sun_path, &found) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(found.st_mode))
        return -EEXIST;
    answer = connect_to(address);
    if (answer == 0 || answer == -EAGAIN)
        return -EADDRINUSE;
    if (answer != -ECONNREFUSED)
        return answer;
    return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

/* ---- The lock --------------------------------------------------------------------------------------------------- */

/*
 * Of two daemons starting at once, neither may mistake the new socket for a stale socket: each daemon holds a lock from
 * the check to the bind. The lock is a separate file, closed to other users: any user with read access to the folder
 * could hold a lock on the folder, and keep the daemon from starting. The file is removed before the unlock.
 */

static int open_lock(const char *path)
{
    struct stat found;
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);

    if (fd < 0)
        return -errno;
    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == geteuid())
        return fd;
    close(fd);
    return -EACCES;
}

/* Whether `path` still names the file: the previous holder of the lock removes the file. */
static bool is_at(int fd, const char *path)
{
    struct stat here, there;

    return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

static int listener_lock(const char *path)
{
    for (;;) {
        int fd = open_lock(path);

        if (fd < 0)
            return fd;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            close(fd);
            return -EADDRINUSE;
        }
        if (is_at(fd, path))
            return fd;
        close(fd);
    }
}

static void listener_unlock(const char *path, int fd)
{
    unlink(path);
    close(fd);
}

/* ---- Binding ---------------------------------------------------------------------------------------------------- */

/* The file has the mode from the start: before a later chmod, other users could connect. */
static int bind_with_mode(int fd, const struct sockaddr_un *address, mode_t mode)
{
    mode_t old = umask(0777 & ~mode);
    int result = bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? -errno : 0;

    umask(old);
    return result;
}

static int listen_at(const struct sockaddr_un *address, mode_t mode)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        return -errno;
    result = bind_with_mode(fd, address, mode);
    if (result == 0 && listen(fd, SOMAXCONN) < 0) {
        result = -errno;
        unlink(address->sun_path);
    }
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

static int open_socket(const char *path, mode_t mode)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char lock_path[sizeof address.sun_path + sizeof LOCK_SUFFIX];
    int fd, result;

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    snprintf(lock_path, sizeof lock_path, "%s" LOCK_SUFFIX, path);
    fd = listener_lock(lock_path);
    if (fd < 0)
        return fd;
    result = clear_path(&address);
    if (result == 0)
        result = listen_at(&address, mode);
    listener_unlock(lock_path, fd);
    return result;
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------ */

static void listener_start(struct listener *listener, struct reactor *reactor, int fd)
{
    listener->source.ready = listener_ready;
    listener->reactor = reactor;
    listener->fd = fd;
    listener->address_length = sizeof listener->address;
    if (getsockname(fd, (struct sockaddr *)&listener->address, &listener->address_length) < 0)
        listener->address_length = 0;
    open_spare(listener);
    listener_watch(listener);
}

int listener_init(struct listener *listener, struct reactor *reactor, const char *path, mode_t mode,
                  listener_accepted *accepted, listener_exhausted *exhausted, void *owner)
{
    int fd = open_socket(path, mode);

    *listener = (struct listener){
        .accepted = accepted,
        .exhausted = exhausted,
        .owner = owner,
        .path = path,
        .fd = -1,
        .spare = -1,
    };
    if (fd < 0)
        return fd;
    if (lstat(path, &listener->bound) < 0)
        listener->path = NULL;
    listener_start(listener, reactor, fd);
    return 0;
}

void listener_init_adopted(struct listener *listener, struct reactor *reactor, int fd, const char *path,
                           listener_accepted *accepted, listener_exhausted *exhausted, void *owner)
{
    int flags = fcntl(fd, F_GETFL);

    *listener = (struct listener){
        .path = path,
        .accepted = accepted,
        .exhausted = exhausted,
        .owner = owner,
        .fd = -1,
        .spare = -1,
    };
    if (path && lstat(path, &listener->bound) < 0)
        listener->path = NULL;
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    listener_start(listener, reactor, fd);
}

typedef int get_name(int fd, struct sockaddr *ret_address, socklen_t *length);

static bool has_listener_name(const struct listener *listener, int fd, get_name *get, sa_family_t *ret_family)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof name;

    *ret_family = AF_UNSPEC;
    if (get(fd, (struct sockaddr *)&name, &length) < 0)
        return false;
    *ret_family = name.ss_family;
    return length == listener->address_length && !memcmp(&name, &listener->address, length);
}

bool listener_owns(const struct listener *listener, int fd)
{
    sa_family_t family;

    if (has_listener_name(listener, fd, getsockname, &family))
        return true;
    return family == AF_UNIX && has_listener_name(listener, fd, getpeername, &family);
}

void listener_pause(struct listener *listener)
{
    timer_stop(&listener->reactor->timers, &listener->rest);
    reactor_unwatch(listener->reactor, listener->fd);
}

void listener_resume(struct listener *listener)
{
    listener_watch(listener);
}

static bool owns_path(const struct listener *listener)
{
    struct stat now;

    return listener->path && lstat(listener->path, &now) == 0 && now.st_dev == listener->bound.st_dev &&
           now.st_ino == listener->bound.st_ino;
}

void listener_deinit(struct listener *listener)
{
    if (!listener->reactor || listener->fd < 0)
        return;
    listener_pause(listener);
    if (owns_path(listener))
        unlink(listener->path);
    close(listener->fd);
    listener->fd = -1;
    if (listener->spare >= 0)
        close(listener->spare);
    listener->spare = -1;
}
