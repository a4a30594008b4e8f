/* SPDX-License-Identifier: MIT */
#include "daemon/manager/fd_store.h"

#include "daemon/base/invariant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES 255
#define RETRY_MS   50 /* delay before another attempt to create a pipe */

/* A name in the store or queued for the store, in the tree of names; or a queued removal of a name, in a queue only. */
struct store_entry {
    RB_ENTRY(store_entry) entry;
    TAILQ_ENTRY(store_entry) link; /* while queued */
    struct depositor *depositor;   /* owner of the queue that has the entry; NULL: not queued */
    int fd;                        /* of a store: to be sent, borrowed; of a removal: held, or -1 */
    bool forgotten;
    char name[];
};

static int store_entry_compare(const struct store_entry *left, const struct store_entry *right)
{
    return strcmp(left->name, right->name);
}

TREE_GENERATE(store_entry_tree, store_entry, entry, store_entry_compare)

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* Rejects names that end like the name of a socket unit: the next start would take the descriptor for the listener. */
static bool is_valid_name(const char *name)
{
    size_t length = strlen(name);

    if (length < 1 || length > NAME_BYTES || (length >= 7 && !strcmp(name + length - 7, ".socket")))
        return false;
    for (const char *c = name; *c; c++)
        if (*c < ' ' || *c > '~' || *c == ':')
            return false;
    return true;
}

static struct store_entry *store_entry_new(const char *name)
{
    size_t size = strlen(name) + 1;
    struct store_entry *entry = malloc(sizeof *entry + size);

    if (!entry)
        return NULL;
    *entry = (struct store_entry){.fd = -1};
    memcpy(entry->name, name, size);
    return entry;
}

static struct store_entry *store_find(struct fd_store *store, const char *name)
{
    struct store_entry *entry = RB_ROOT(&store->names);

    while (entry) {
        int order = strcmp(name, entry->name);
        if (order == 0)
            break;
        entry = order < 0 ? RB_LEFT(entry, entry) : RB_RIGHT(entry, entry);
    }
    return entry;
}

static void store_count_in(struct fd_store *store, struct store_entry *entry)
{
    RB_INSERT(store_entry_tree, &store->names, entry);
    store->count++;
    store->name_bytes += strlen(entry->name) + 1;
}

static void store_count_out(struct fd_store *store, struct store_entry *entry)
{
    RB_REMOVE(store_entry_tree, &store->names, entry);
    INVARIANT(store->count > 0);
    store->count--;
    store->name_bytes -= strlen(entry->name) + 1;
}

/* ---- Depositors -------------------------------------------------------------------------------------------------- */

void depositor_init(struct depositor *depositor, void (*done)(struct depositor *depositor, int fd))
{
    *depositor = (struct depositor){.done = done};
    TAILQ_INIT(&depositor->queue);
}

static void depositor_enqueue(struct fd_store *store, struct depositor *depositor, struct store_entry *entry)
{
    if (TAILQ_EMPTY(&depositor->queue))
        TAILQ_INSERT_TAIL(&store->depositors, depositor, link);
    TAILQ_INSERT_TAIL(&depositor->queue, entry, link);
    entry->depositor = depositor;
    depositor->pending++;
}

static void depositor_dequeue(struct fd_store *store, struct store_entry *entry)
{
    struct depositor *depositor = entry->depositor;

    TAILQ_REMOVE(&depositor->queue, entry, link);
    if (TAILQ_EMPTY(&depositor->queue))
        TAILQ_REMOVE(&store->depositors, depositor, link);
    entry->depositor = NULL;
}

/* `done` may free the depositor. */
static void depositor_finish(struct depositor *depositor, int fd)
{
    INVARIANT(depositor->pending > 0);
    depositor->pending--;
    depositor->done(depositor, fd);
}

/* ---- Storing and forgetting -------------------------------------------------------------------------------------- */

int fd_store_adopt(struct fd_store *store, const char *name)
{
    struct store_entry *entry;

    if (store_find(store, name))
        return 0;
    entry = store_entry_new(name);
    if (!entry)
        return -ENOMEM;
    store_count_in(store, entry);
    return 0;
}

int fd_store_add(struct fd_store *store, struct depositor *depositor, int fd, const char *name)
{
    struct store_entry *entry;

    if (!is_valid_name(name))
        return -EINVAL;
    if (store_find(store, name))
        return -EEXIST;
    if (store->count >= store->max || store->name_bytes + strlen(name) + 1 > FD_STORE_NAMES_BYTES)
        return -ENOSPC;
    entry = store_entry_new(name);
    if (!entry)
        return -ENOMEM;
    entry->fd = fd;
    store_count_in(store, entry);
    depositor_enqueue(store, depositor, entry);
    return 0;
}

int fd_store_remove(struct fd_store *store, struct depositor *depositor, const char *name, int fd)
{
    struct store_entry *entry = store_find(store, name);

    if (!entry)
        return -ENOENT;
    store_count_out(store, entry);
    if (entry->depositor) {
        depositor = entry->depositor;
        depositor_dequeue(store, entry);
        free(entry);
        depositor_finish(depositor, fd);
    } else {
        entry->fd = fd;
        entry->forgotten = true;
        depositor_enqueue(store, depositor, entry);
    }
    return 0;
}

bool fd_store_keeps(struct fd_store *store, const char *name)
{
    const struct store_entry *entry = store_find(store, name);

    return entry && !entry->depositor;
}

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

/* FDPOLL=0: otherwise the manager polls the stored descriptors, and drops a stream when the peer hangs up. */
static int send_entry(struct fd_store *store, const struct store_entry *entry)
{
    char text[NAME_BYTES + 64];
    int length = snprintf(text, sizeof text, "%s\nFDNAME=%s",
                          entry->forgotten ? "FDSTOREREMOVE=1" : "FDSTORE=1\nFDPOLL=0", entry->name);

    return notify_socket_send(store->notify, text, (size_t)length, entry->forgotten ? -1 : entry->fd);
}

/* Moves the depositor behind all other depositors. */
static void move_to_in_flight(struct fd_store *store, struct store_entry *entry)
{
    struct depositor *depositor = entry->depositor;

    depositor_dequeue(store, entry);
    if (!TAILQ_EMPTY(&depositor->queue)) {
        TAILQ_REMOVE(&store->depositors, depositor, link);
        TAILQ_INSERT_TAIL(&store->depositors, depositor, link);
    }
    store->in_flight[store->before + store->since++] =
        (struct sent_message){.depositor = depositor, .fd = entry->forgotten ? entry->fd : -1};
    entry->fd = -1;
    if (entry->forgotten)
        free(entry);
}

static void send_queued(struct fd_store *store)
{
    struct depositor *depositor;

    if (store->pace.running)
        return;
    while ((depositor = TAILQ_FIRST(&store->depositors)) && store->before + store->since < FD_STORE_IN_FLIGHT_MAX) {
        struct store_entry *entry = TAILQ_FIRST(&depositor->queue);

        if (send_entry(store, entry) < 0)
            return;
        move_to_in_flight(store, entry);
    }
}

/* Completes the `count` oldest messages. */
static void finish_sent(struct fd_store *store, uint32_t count)
{
    struct sent_message done[FD_STORE_IN_FLIGHT_MAX];
    uint32_t left = store->before + store->since - count;

    memcpy(done, store->in_flight, count * sizeof *done);
    memmove(store->in_flight, store->in_flight + count, left * sizeof *done);
    store->before = 0;
    store->since = left;
    for (uint32_t i = 0; i < count; i++)
        depositor_finish(done[i].depositor, done[i].fd);
}

static void end_barrier(struct fd_store *store)
{
    if (store->barrier < 0)
        return;
    reactor_unwatch(store->notify->reactor, store->barrier);
    close(store->barrier);
    store->barrier = -1;
}

static void wake_loop(struct timer *timer)
{
    (void)timer; /* the timer only wakes the loop: manager_turn calls fd_store_send */
}

static void on_confirmed(struct source *source, const struct minimio_event *event)
{
    struct fd_store *store = container_of(source, struct fd_store, confirmed);
    struct timers *timers = &store->notify->reactor->timers;
    int64_t took_ms = (timers->now_ns - store->barrier_ns) / NS_PER_MS;

    (void)event;
    end_barrier(store);
    finish_sent(store, store->before);
    if (took_ms > FD_STORE_PACE_FAST_MS && !store->unpaced)
        timer_start(timers, &store->pace, took_ms < FD_STORE_PACE_MAX_MS ? (uint64_t)took_ms : FD_STORE_PACE_MAX_MS,
                    wake_loop);
}

static int begin_barrier(struct fd_store *store)
{
    static const char text[] = "BARRIER=1";
    int ends[2];
    int result;

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    result = reactor_watch(store->notify->reactor, ends[0], &store->confirmed, MINIMIO_READABLE, MINIMIO_ONESHOT);
    if (result == 0) {
        result = notify_socket_send(store->notify, text, sizeof text - 1, ends[1]);
        if (result < 0)
            reactor_unwatch(store->notify->reactor, ends[0]);
    }
    close(ends[1]);
    if (result < 0) {
        close(ends[0]);
        return result;
    }
    store->barrier = ends[0];
    store->barrier_ns = store->notify->reactor->timers.now_ns;
    store->before = store->since;
    store->since = 0;
    return 0;
}

/* Drops a queued entry that will not be sent any more. */
static void drop_queued(struct fd_store *store, struct store_entry *entry)
{
    struct depositor *depositor = entry->depositor;
    int held = entry->forgotten ? entry->fd : -1;

    depositor_dequeue(store, entry);
    if (!entry->forgotten)
        store_count_out(store, entry);
    free(entry);
    depositor_finish(depositor, held);
}

/* The depositor may be freed with the last message. */
static void drop_queue(struct fd_store *store, struct depositor *depositor)
{
    struct store_entry *entry, *next;

    TAILQ_FOREACH_SAFE(entry, &depositor->queue, link, next)
        drop_queued(store, entry);
}

/* Without a manager no message will ever be confirmed. */
static void store_abandon(struct fd_store *store)
{
    struct depositor *depositor, *next;

    end_barrier(store);
    finish_sent(store, store->before + store->since);
    TAILQ_FOREACH_SAFE(depositor, &store->depositors, link, next)
        drop_queue(store, depositor);
}

/* The message itself stays in flight. */
static void depositor_release_fd(struct depositor *depositor, int *fd)
{
    int held = *fd;

    *fd = -1;
    if (held >= 0)
        depositor->done(depositor, held);
}

void fd_store_release_held(struct fd_store *store)
{
    struct depositor *depositor;
    struct store_entry *entry;

    for (uint32_t i = 0; i < store->before + store->since; i++)
        depositor_release_fd(store->in_flight[i].depositor, &store->in_flight[i].fd);
    TAILQ_FOREACH(depositor, &store->depositors, link)
        TAILQ_FOREACH(entry, &depositor->queue, link) {
            if (entry->forgotten)
                depositor_release_fd(depositor, &entry->fd);
        }
}

void fd_store_send(struct fd_store *store)
{
    send_queued(store);
    if (store->since && store->barrier < 0) {
        int result = begin_barrier(store);
        if (result < 0 && result != -EAGAIN && result != -ENOTCONN)
            timer_start(&store->notify->reactor->timers, &store->retry, RETRY_MS, wake_loop);
    }
    if (!notify_socket_is_open(store->notify))
        store_abandon(store);
}

void fd_store_flush_now(struct fd_store *store)
{
    store->unpaced = true;
    timer_stop(&store->notify->reactor->timers, &store->pace);
}

bool fd_store_is_synced(const struct fd_store *store)
{
    return TAILQ_EMPTY(&store->depositors) && !store->before && !store->since;
}

/* ---- Lifetime ---------------------------------------------------------------------------------------------------- */

void fd_store_init(struct fd_store *store, struct notify_socket *notify)
{
    *store = (struct fd_store){.confirmed.ready = on_confirmed, .notify = notify, .barrier = -1};
    RB_INIT(&store->names);
    TAILQ_INIT(&store->depositors);
}

void fd_store_deinit(struct fd_store *store)
{
    struct store_entry *entry, *next;

    timer_stop(&store->notify->reactor->timers, &store->retry);
    timer_stop(&store->notify->reactor->timers, &store->pace);
    store_abandon(store);
    RB_FOREACH_SAFE(entry, store_entry_tree, &store->names, next) {
        store_count_out(store, entry);
        free(entry);
    }
}
