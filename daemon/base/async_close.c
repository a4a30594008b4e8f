/* SPDX-License-Identifier: MIT */
#include "daemon/base/async_close.h"

#include "daemon/base/closing.h"
#include "daemon/base/fd_kind.h"
#include "daemon/base/log.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Closers with a slot, and the number of their descriptors above fd_room_set's number. */
static LIST_HEAD(, async_closer) all = LIST_HEAD_INITIALIZER(all);
uint32_t async_closers_in_room, async_closers_total;

/* Serves closers for which no slot is left. Has a slot whenever the closing process runs. */
static struct async_closer common = {.stranger = true, .slot = -1};

/* ---- One closer -------------------------------------------------------------------------------------------------- */

void async_closer_init(struct async_closer *closer, bool stranger)
{
    *closer = (struct async_closer){.stranger = stranger, .slot = -1};
}

static void closer_forget_oldest(struct async_closer *closer)
{
    async_closers_in_room -= fd_room_has(fd_queue_take(&closer->waiting));
}

static void closer_set_counted(struct async_closer *closer, uint32_t count)
{
    async_closers_total += count - closer->counted;
    closer->counted = count;
}

/* Also drops from `waiting` the descriptors whose close has begun. */
uint32_t async_closer_count(struct async_closer *closer)
{
    struct closing_progress progress;

    if (closer->slot < 0)
        return 0;
    progress = closing_progress(closer->slot);
    while (closer->waiting.count > closer->put - progress.begun)
        closer_forget_oldest(closer);
    closer_set_counted(closer, closer->put - progress.done + closer->alone - progress.alone);
    return closer->counted;
}

bool async_closer_deinit(struct async_closer *closer)
{
    if (closer->slot < 0)
        return true;
    if (async_closer_count(closer))
        return false;
    closing_give_slot(closer->slot);
    LIST_REMOVE(closer, entry);
    closer->slot = -1;
    return true;
}

static bool closer_has_slot(struct async_closer *closer)
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

/* At most 16 reads: a client that keeps writing gets the failed read that draining avoids. */
static void closer_drain(int socket)
{
    char discarded[4096];
    int rounds = 16;

    while (rounds-- > 0 && recv(socket, discarded, sizeof discarded, MSG_DONTWAIT) > 0)
        ;
}

static void close_here(int fd, enum closing_how how)
{
    if (how == CLOSING_DRAIN)
        closer_drain(fd);
    fd_close(fd);
}

/* Closes in the daemon if the closing process or memory is missing. */
static void closer_put(struct async_closer *closer, int fd, enum closing_how how)
{
    if (!closer_has_slot(closer))
        closer = &common;
    if (!closing_is_running() || !closer_has_slot(closer) || fd_queue_reserve(&closer->waiting, 1) < 0) {
        close_here(fd, how);
        return;
    }
    if (!closing_put(closer->slot, fd, how)) {
        fd_queue_trim(&closer->waiting);
        close_here(fd, how);
        return;
    }
    fd_queue_put(&closer->waiting, fd);
    async_closers_in_room += fd_room_has(fd);
    closer->put++;
    closer_set_counted(closer, closer->counted + 1);
}

/* The closing process takes a file out of the table at once, so the closer keeps no number of a file. */
static void closer_put_alone(struct async_closer *closer, int fd)
{
    if (!closer_has_slot(closer))
        closer = &common;
    if (closing_is_running() && closer_has_slot(closer) && closing_put(closer->slot, fd, CLOSING_ALONE)) {
        closer->alone++;
        closer_set_counted(closer, closer->counted + 1);
    } else {
        close_here(fd, CLOSING_CLOSE);
    }
}

void async_close(struct async_closer *closer, int fd)
{
    closer_put(closer, fd, CLOSING_CLOSE);
}

/* The queue of a Unix socket may hold any descriptor, so close() of a Unix socket may wait too. */
void close_untrusted(struct async_closer *closer, int fd)
{
    enum fd_kind kind;

    if (fd < 0)
        return;
    if (fd_kind_inspect(fd, &kind) < 0)
        closer_put_alone(closer, fd);
    else if (closer->stranger || fd_carries_credentials(fd))
        async_close(closer, fd);
    else
        fd_close(fd);
}

void close_shared(struct async_closer *closer, int fd)
{
    if (closer->stranger || fd_lingers(fd) || fd_carries_credentials(fd))
        async_close(closer, fd);
    else
        close(fd);
}

void close_untrusted_all(struct async_closer *closer, struct fd_queue *queue)
{
    while (queue->count)
        close_untrusted(closer, fd_queue_take(queue));
}

/* After the shutdown no more input arrives. Input that has arrived may carry descriptors. */
void close_session_socket(struct async_closer *closer, int socket)
{
    int unread;

    shutdown(socket, SHUT_RDWR);
    if (ioctl(socket, SIOCINQ, &unread) == 0 && unread == 0)
        close(socket);
    else
        closer_put(closer, socket, CLOSING_DRAIN);
}

/* ---- All closers ------------------------------------------------------------------------------------------------- */

int async_closers_start(void)
{
    int result = closing_start();

    if (result < 0)
        log_write(LOG_LEVEL_WARNING,
                  "the process that closes descriptors could not be started: %s; only root and this user may hand over "
                  "descriptors",
                  strerror(-result));
    else
        closer_has_slot(&common);
    return result;
}

bool async_closers_are_able(void)
{
    return closing_is_running();
}

uint32_t async_closers_count(void)
{
    struct async_closer *closer;

    LIST_FOREACH(closer, &all, entry)
        async_closer_count(closer);
    return async_closers_total;
}

bool async_closers_still_take_room(void)
{
    async_closers_count();
    return async_closers_in_room != 0;
}

/* The worker of a begun close() died with the closing process, so a begun close counts as done. */
static void closer_put_again(struct async_closer *closer)
{
    struct fd_queue waiting;
    int fd;

    async_closer_count(closer);
    waiting = closer->waiting;
    closer->waiting = (struct fd_queue){0};
    closer->put = closing_progress(closer->slot).begun;
    closer->alone = closing_progress(closer->slot).alone;
    while (waiting.count) {
        fd = fd_queue_take(&waiting);
        async_closers_in_room -= fd_room_has(fd);
        async_close(closer, fd);
    }
}

void async_closers_return(void)
{
    struct async_closer *closer;

    if (async_closers_start() < 0)
        return;
    LIST_FOREACH(closer, &all, entry)
        closer_put_again(closer);
}

void async_closers_look(void)
{
    if (!closing_has_died())
        return;
    log_write(LOG_LEVEL_ERROR, "the process that closes descriptors has ended; another is started");
    async_closers_return();
}

void async_closers_end(void)
{
    closing_end();
}

int async_closers_leave(int **ret_fds, size_t *ret_count)
{
    struct async_closer *closer;
    size_t count = 0;
    int *fds = NULL, result = closing_leave();

    if (result < 0)
        return result;
    LIST_FOREACH(closer, &all, entry) {
        int *more;

        async_closer_count(closer);
        more = closer->waiting.count ? reallocarray(fds, count + closer->waiting.count, sizeof *fds) : NULL;
        if (!more)
            continue;
        fds = more;
        fd_queue_peek(&closer->waiting, fds + count, closer->waiting.count);
        count += closer->waiting.count;
    }
    *ret_fds = fds;
    *ret_count = count;
    return 0;
}
