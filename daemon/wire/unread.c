/* SPDX-License-Identifier: MIT */
#include "daemon/wire/unread.h"

#include "daemon/base/invariant.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The socket of an ended session, until the client has read its queue. */
struct unread_remains {
    struct source source;
    LIST_ENTRY(unread_remains) link;
    struct unreads *unreads;
    struct unread unread;
};

void unreads_init(struct unreads *unreads, struct reactor *reactor)
{
    *unreads = (struct unreads){.reactor = reactor};
    LIST_INIT(&unreads->sent);
    LIST_INIT(&unreads->remains);
}

void unread_init(struct unread *unread, struct account *account, int socket)
{
    *unread = (struct unread){.account = account, .socket = socket};
}

void unread_add(struct unread *unread)
{
    unread->unsent++;
    account_add_waiting(unread->account, 1);
    account_add_unread(unread->account, 1);
}

void unread_send(struct unreads *unreads, struct unread *unread, uint32_t count)
{
    INVARIANT(unread->unsent >= count);
    unread->unsent -= count;
    account_remove_waiting(unread->account, count);
    if (!unread->sent)
        LIST_INSERT_HEAD(&unreads->sent, unread, link);
    unread->sent += count;
}

void unread_drop(struct unread *unread, uint32_t count)
{
    INVARIANT(unread->unsent >= count);
    unread->unsent -= count;
    account_remove_unread(unread->account, count);
    account_remove_waiting(unread->account, count);
}

static void forget_sent(struct unread *unread)
{
    uint32_t count = unread->sent;

    if (!count)
        return;
    unread->sent = 0;
    LIST_REMOVE(unread, link);
    account_remove_unread(unread->account, count);
}

void unread_deinit(struct unread *unread)
{
    if (unread->unsent)
        unread_drop(unread, unread->unsent);
    forget_sent(unread);
}

/* SIOCOUTQ returns the amount of unread data, but not the number of unread descriptors; only 0 is certain. On an error
 * the daemon does not wait for the client. */
void unread_look(struct unread *unread)
{
    int unread_bytes;

    if (unread->sent && (ioctl(unread->socket, SIOCOUTQ, &unread_bytes) < 0 || unread_bytes == 0))
        forget_sent(unread);
}

uint32_t unread_look_all(struct unreads *unreads, const struct account *account)
{
    struct unread *unread, *next;
    uint32_t count = 0;

    LIST_FOREACH_SAFE(unread, &unreads->sent, link, next) {
        if (account && unread->account != account)
            continue;
        unread_look(unread);
        count++;
    }
    return count;
}

/* ---- Sessions that have ended ----------------------------------------------------------------------------------- */

static void remains_end(struct unread_remains *remains)
{
    struct account *account = remains->unread.account;
    struct reactor *reactor = remains->unreads->reactor;

    LIST_REMOVE(remains, link);
    reactor_unwatch(reactor, remains->unread.socket);
    close_session_socket(&account->closer, remains->unread.socket);
    forget_sent(&remains->unread);
    accounts_remove_session(account->accounts, account);
    reactor_end_source(reactor, &remains->source);
}

/* The client has read from its queue, or has exited. */
static void remains_ready(struct source *source, const struct minimio_event *event)
{
    struct unread_remains *remains = container_of(source, struct unread_remains, source);

    (void)event;
    unread_look(&remains->unread);
    if (!remains->unread.sent)
        remains_end(remains);
}

static void unread_move(struct unread *from, struct unread *to)
{
    LIST_REMOVE(from, link);
    *to = *from;
    from->sent = 0;
}

bool unread_outlive(struct unreads *unreads, struct unread *unread)
{
    struct unread_remains *remains;

    if (unread->unsent)
        unread_drop(unread, unread->unsent);
    unread_look(unread);
    remains = unread->sent ? calloc(1, sizeof *remains) : NULL;
    if (!remains)
        return false;
    remains->source.ready = remains_ready;
    if (reactor_watch(unreads->reactor, unread->socket, &remains->source, MINIMIO_WRITABLE, MINIMIO_EDGE) < 0) {
        free(remains);
        return false;
    }
    shutdown(unread->socket, SHUT_RDWR);
    remains->unreads = unreads;
    unread_move(unread, &remains->unread);
    LIST_INSERT_HEAD(&unreads->sent, &remains->unread, link);
    LIST_INSERT_HEAD(&unreads->remains, remains, link);
    return true;
}

void unreads_deinit(struct unreads *unreads)
{
    struct unread_remains *remains;

    while ((remains = LIST_FIRST(&unreads->remains)))
        remains_end(remains);
}
