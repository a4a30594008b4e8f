/* SPDX-License-Identifier: MIT */
#include "daemon/base/async_close.h"

#include "daemon/base/closing.h"
#include "daemon/base/log.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Those that have a slot, and how many of the descriptors in them take up room that is kept for a message's. */
static LIST_HEAD(, closer) all = LIST_HEAD_INITIALIZER(all);
uint32_t closers_in_room, closers_total;

/* Has a slot whenever the closing process runs, for those that can have none any more. */
static struct closer common = {.stranger = true, .slot = -1};

/* ---- One closer -------------------------------------------------------------------------------------------------- */

void closer_init(struct closer *closer, bool stranger)
{
    *closer = (struct closer){.stranger = stranger, .slot = -1};
}

static void forget_oldest(struct closer *closer)
{
    closers_in_room -= descriptor_is_in_room(descriptors_take(&closer->waiting));
}

static void set_counted(struct closer *closer, uint32_t count)
{
    closers_total += count - closer->counted;
    closer->counted = count;
}

/* Forgets those that were begun. */
uint32_t closer_count(struct closer *closer)
{
    struct closing_progress progress;

    if (closer->slot < 0)
        return 0;
    progress = closing_progress(closer->slot);
    while (closer->waiting.count > closer->put - progress.begun)
        forget_oldest(closer);
    set_counted(closer, closer->put - progress.done + closer->alone - progress.alone);
    return closer->counted;
}

bool closer_deinit(struct closer *closer)
{
    if (closer->slot < 0)
        return true;
    if (closer_count(closer))
        return false;
    closing_give_slot(closer->slot);
    LIST_REMOVE(closer, entry);
    closer->slot = -1;
    return true;
}

static bool has_slot(struct closer *closer)
{
    if (closer->slot >= 0)
        return true;
    closer->slot = closing_is_running() ? closing_take_slot() : -1;
    if (closer->slot < 0)
        return false;
    closer->put = closing_progress(closer->slot).done;
    closer->alone = closing_progress(closer->slot).alone;
    LIST_INSERT_HEAD(&all, closer, entry);
    return true;
}

/* A client that goes on writing gets the failure that it asks for. */
static void drain(int socket)
{
    char discarded[4096];
    int rounds = 16;

    while (rounds-- > 0 && recv(socket, discarded, sizeof discarded, MSG_DONTWAIT) > 0)
        ;
}

static void close_here(int fd, enum closing_how how)
{
    if (how == CLOSING_DRAIN)
        drain(fd);
    descriptor_close(fd);
}

/* Without a process or memory it is closed here. */
static void put(struct closer *closer, int fd, enum closing_how how)
{
    if (!has_slot(closer))
        closer = &common;
    if (!closing_is_running() || !has_slot(closer) || descriptors_reserve(&closer->waiting, 1) < 0) {
        close_here(fd, how);
        return;
    }
    if (!closing_put(closer->slot, fd, how)) {
        close_here(fd, how);
        return;
    }
    descriptors_put(&closer->waiting, fd);
    closers_in_room += descriptor_is_in_room(fd);
    closer->put++;
    set_counted(closer, closer->counted + 1);
}

/* It leaves the table at once, so it need not be remembered. */
static void put_alone(struct closer *closer, int fd)
{
    if (!has_slot(closer))
        closer = &common;
    if (closing_is_running() && has_slot(closer) && closing_put(closer->slot, fd, CLOSING_ALONE)) {
        closer->alone++;
        set_counted(closer, closer->counted + 1);
    } else {
        close_here(fd, CLOSING_CLOSE);
    }
}

void closer_put(struct closer *closer, int fd)
{
    put(closer, fd, CLOSING_CLOSE);
}

/* A Unix socket's queue may hold anything. */
void closer_discard(struct closer *closer, int fd)
{
    enum descriptor_kind kind;

    if (fd < 0)
        return;
    if (descriptor_inspect(fd, &kind) < 0)
        put_alone(closer, fd);
    else if (closer->stranger || descriptor_carries_credentials(fd))
        closer_put(closer, fd);
    else
        descriptor_close(fd);
}

void closer_let_go(struct closer *closer, int fd)
{
    if (closer->stranger || descriptor_lingers(fd) || descriptor_carries_credentials(fd))
        closer_put(closer, fd);
    else
        close(fd);
}

void closer_discard_all(struct closer *closer, struct descriptors *descriptors)
{
    while (descriptors->count)
        closer_discard(closer, descriptors_take(descriptors));
}

/* From the shutdown on nothing more comes; what has come may have descriptors beside it. */
void closer_end_session(struct closer *closer, int socket)
{
    int unread;

    shutdown(socket, SHUT_RDWR);
    if (ioctl(socket, SIOCINQ, &unread) == 0 && unread == 0)
        close(socket);
    else
        put(closer, socket, CLOSING_DRAIN);
}

/* ---- All closers ------------------------------------------------------------------------------------------------- */

int closers_start(void)
{
    int result = closing_start();

    if (result < 0)
        log_write(LOG_LEVEL_WARNING,
                  "the process that closes descriptors could not be started: %s; only root and this user may hand over "
                  "descriptors",
                  strerror(-result));
    else
        has_slot(&common);
    return result;
}

bool closers_are_able(void)
{
    return closing_is_running();
}

uint32_t closers_count(void)
{
    struct closer *closer;

    LIST_FOREACH(closer, &all, entry)
    closer_count(closer);
    return closers_total;
}

bool closers_still_take_room(void)
{
    closers_count();
    return closers_in_room != 0;
}

/* What was begun is as good as closed: by whom it was begun is no more. */
static void put_again(struct closer *closer)
{
    struct descriptors waiting;
    int fd;

    closer_count(closer);
    waiting = closer->waiting;
    closer->waiting = (struct descriptors){0};
    closer->put = closing_progress(closer->slot).begun;
    closer->alone = closing_progress(closer->slot).alone;
    while (waiting.count) {
        fd = descriptors_take(&waiting);
        closers_in_room -= descriptor_is_in_room(fd);
        closer_put(closer, fd);
    }
}

void closers_return(void)
{
    struct closer *closer;

    if (closers_start() < 0)
        return;
    LIST_FOREACH(closer, &all, entry)
    put_again(closer);
}

void closers_look(void)
{
    if (!closing_has_died())
        return;
    log_write(LOG_LEVEL_ERROR, "the process that closes descriptors has ended; another is started");
    closers_return();
}

void closers_end(void)
{
    closing_end();
}

int closers_leave(int **ret_fds, size_t *ret_count)
{
    struct closer *closer;
    size_t count = 0;
    int *fds = NULL, result = closing_leave();

    if (result < 0)
        return result;
    LIST_FOREACH(closer, &all, entry)
    {
        int *more;

        closer_count(closer);
        more = closer->waiting.count ? reallocarray(fds, count + closer->waiting.count, sizeof *fds) : NULL;
        if (!more)
            continue;
        fds = more;
        descriptors_peek(&closer->waiting, fds + count, closer->waiting.count);
        count += closer->waiting.count;
    }
    *ret_fds = fds;
    *ret_count = count;
    return 0;
}
