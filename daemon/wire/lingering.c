/* SPDX-License-Identifier: MIT */
#include "daemon/wire/lingering.h"

#include "daemon/base/fd_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define DISCARD_BYTES 4096 /* bytes read from a client in a turn */

struct lingering {
    struct source source;
    LIST_ENTRY(lingering) entry;
    struct lingerings *all;
    struct account *account; /* NULL: a refused client, without memory for an account */
    bool refused;            /* the client had no session */
    uid_t uid;
    int fd;
    uint64_t left; /* bytes that the client may still write */
    struct timer timer;
};

void lingerings_init(struct lingerings *lingerings, struct reactor *reactor, struct accounts *accounts,
                     struct async_closer *closer)
{
    *lingerings = (struct lingerings){.reactor = reactor, .accounts = accounts, .closer = closer};
    LIST_INIT(&lingerings->list);
}

static struct async_closer *closer_of(struct lingering *lingering)
{
    return lingering->account ? &lingering->account->closer : lingering->all->closer;
}

/* Closing discards the unread input. */
static void lingering_close(struct lingering *lingering)
{
    struct lingerings *all = lingering->all;

    LIST_REMOVE(lingering, entry);
    timer_stop(&all->reactor->timers, &lingering->timer);
    reactor_unwatch(all->reactor, lingering->fd);
    close_session_socket(closer_of(lingering), lingering->fd);
    if (lingering->account && lingering->refused)
        accounts_end_refusal(all->accounts, lingering->account);
    else if (lingering->account)
        accounts_remove_session(all->accounts, lingering->account);
    reactor_end_source(all->reactor, &lingering->source);
}

static void lingering_expired(struct timer *timer)
{
    lingering_close(container_of(timer, struct lingering, timer));
}

/* Returns the number of bytes, 0 at the end, or a negative errno. */
static ssize_t discard_some(struct lingering *lingering)
{
    struct fd_queue descriptors = {0};
    char discarded[DISCARD_BYTES];
    bool truncated;
    ssize_t length = fd_queue_receive(&descriptors, lingering->fd, discarded, sizeof discarded, &truncated);

    close_untrusted_all(closer_of(lingering), &descriptors);
    return length;
}

/* Descriptors without certain room in the table are left to the closing process. */
static bool may_receive(struct lingering *lingering)
{
    return !async_closers_take_room() && !async_closer_is_full(closer_of(lingering));
}

static void lingering_ready(struct source *source, const struct minimio_event *event)
{
    struct lingering *lingering = container_of(source, struct lingering, source);
    ssize_t length = may_receive(lingering) ? discard_some(lingering) : 0;

    (void)event;
    if (length == -EAGAIN || length == -EINTR)
        return;
    if (length > 0 && (uint64_t)length < lingering->left)
        lingering->left -= (uint64_t)length;
    else
        lingering_close(lingering);
}

static bool lingering_start(struct lingerings *lingerings, struct account *account, bool refused, uid_t uid, int fd)
{
    struct lingering *lingering = calloc(1, sizeof *lingering);

    if (!lingering)
        return false;
    *lingering = (struct lingering){.source.ready = lingering_ready,
                                    .all = lingerings,
                                    .account = account,
                                    .refused = refused,
                                    .uid = uid,
                                    .fd = fd,
                                    .left = lingerings->accounts->limits->message_bytes};
    if (reactor_watch(lingerings->reactor, fd, &lingering->source, MINIMIO_READABLE, MINIMIO_LEVEL) < 0) {
        free(lingering);
        return false;
    }
    shutdown(fd, SHUT_WR);
    fd_passing_prepare(fd); /* before the first read from a refused client's socket */
    timer_start(&lingerings->reactor->timers, &lingering->timer, LINGERING_MS, lingering_expired);
    LIST_INSERT_HEAD(&lingerings->list, lingering, entry);
    return true;
}

bool lingering_begin(struct lingerings *lingerings, struct account *account, int fd)
{
    return lingering_start(lingerings, account, false, account->uid, fd);
}

bool lingering_begin_refused(struct lingerings *lingerings, struct account *account, uid_t uid, int fd)
{
    const struct lingering *other;
    uint32_t refused = 0, of_uid = 0;

    LIST_FOREACH(other, &lingerings->list, entry) {
        refused += other->refused;
        of_uid += other->refused && other->uid == uid;
    }
    return refused < LINGERING_REFUSED_MAX && of_uid < LINGERING_REFUSED_UID && !fd_room_has(fd) &&
           lingering_start(lingerings, account, true, uid, fd);
}

void lingerings_end(struct lingerings *lingerings)
{
    struct lingering *lingering, *next;

    LIST_FOREACH_SAFE(lingering, &lingerings->list, entry, next)
        lingering_close(lingering);
}
