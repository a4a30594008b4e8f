/* SPDX-License-Identifier: MIT */
#include "daemon/wire/lingering.h"

#include "daemon/base/descriptors.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define DISCARD_BYTES 4096 /* of each in a turn */

struct lingering {
    struct source source;
    LIST_ENTRY(lingering) entry;
    struct lingerings *all;
    struct account *account; /* NULL: there was no memory for that of a client that was refused */
    bool refused;            /* it had no session */
    uid_t uid;
    int fd;
    uint64_t left; /* bytes that it may still write */
    struct timer timer;
};

void lingerings_init(struct lingerings *lingerings, struct reactor *reactor, struct policy *policy,
                     struct closer *closer)
{
    *lingerings = (struct lingerings){.reactor = reactor, .policy = policy, .closer = closer};
    LIST_INIT(&lingerings->list);
}

static struct closer *closer_of(struct lingering *lingering)
{
    return lingering->account ? &lingering->account->closer : lingering->all->closer;
}

/* What is unread by now is discarded by whoever closes. */
static void end(struct lingering *lingering)
{
    struct lingerings *all = lingering->all;

    LIST_REMOVE(lingering, entry);
    timer_stop(&all->reactor->timers, &lingering->timer);
    reactor_unwatch(all->reactor, lingering->fd);
    closer_end_session(closer_of(lingering), lingering->fd);
    if (lingering->account && lingering->refused)
        policy_end_refusal(all->policy, lingering->account);
    else if (lingering->account)
        policy_remove_session(all->policy, lingering->account);
    reactor_end_source(all->reactor, &lingering->source);
}

static void expired(struct timer *timer)
{
    end(container_of(timer, struct lingering, timer));
}

/* Returns what the read did. */
static ssize_t discard_some(struct lingering *lingering)
{
    struct descriptors descriptors = {0};
    char discarded[DISCARD_BYTES];
    bool cut;
    ssize_t length = descriptors_receive(&descriptors, lingering->fd, discarded, sizeof discarded, &cut);

    closer_discard_all(closer_of(lingering), &descriptors);
    return length;
}

/* Descriptors that might find no room in the table are left to the closing process. */
static bool may_receive(struct lingering *lingering)
{
    return !closers_take_room() && !closer_is_clogged(closer_of(lingering));
}

static void ready(struct source *source, const struct minimio_event *event)
{
    struct lingering *lingering = container_of(source, struct lingering, source);
    ssize_t length = may_receive(lingering) ? discard_some(lingering) : 0;

    (void)event;
    if (length == -EAGAIN || length == -EINTR)
        return;
    if (length > 0 && (uint64_t)length < lingering->left)
        lingering->left -= (uint64_t)length;
    else
        end(lingering);
}

static bool begin(struct lingerings *lingerings, struct account *account, bool refused, uid_t uid, int fd)
{
    struct lingering *lingering = calloc(1, sizeof *lingering);

    if (!lingering)
        return false;
    *lingering = (struct lingering){.source.ready = ready,
                                    .all = lingerings,
                                    .account = account,
                                    .refused = refused,
                                    .uid = uid,
                                    .fd = fd,
                                    .left = lingerings->policy->limits->message_bytes};
    if (reactor_watch(lingerings->reactor, fd, &lingering->source, MINIMIO_READABLE, MINIMIO_LEVEL) < 0) {
        free(lingering);
        return false;
    }
    shutdown(fd, SHUT_WR);
    descriptors_prepare_socket(fd); /* before anything is read from the socket of a client that was refused */
    timer_start(&lingerings->reactor->timers, &lingering->timer, LINGERING_MS, expired);
    LIST_INSERT_HEAD(&lingerings->list, lingering, entry);
    return true;
}

bool lingering_begin(struct lingerings *lingerings, struct account *account, int fd)
{
    return begin(lingerings, account, false, account->uid, fd);
}

bool lingering_begin_refused(struct lingerings *lingerings, struct account *account, uid_t uid, int fd)
{
    const struct lingering *other;
    uint32_t refused = 0, of_uid = 0;

    LIST_FOREACH(other, &lingerings->list, entry)
    {
        refused += other->refused;
        of_uid += other->refused && other->uid == uid;
    }
    return refused < LINGERING_REFUSED_MAX && of_uid < LINGERING_REFUSED_UID && !descriptor_is_in_room(fd) &&
           begin(lingerings, account, true, uid, fd);
}

void lingerings_end(struct lingerings *lingerings)
{
    struct lingering *lingering, *next;

    LIST_FOREACH_SAFE(lingering, &lingerings->list, entry, next)
    end(lingering);
}
