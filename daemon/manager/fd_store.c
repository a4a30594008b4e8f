/* SPDX-License-Identifier: MIT */
#include "daemon/manager/fd_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_BYTES 255
#define RETRY_MS   50 /* no pipe could be had */

/* A name in the store or on its way there, by name; or one that is on its way out of it, in a queue alone. */
struct kept {
    RB_ENTRY(kept) entry;
    TAILQ_ENTRY(kept) link;      /* while queued */
    struct depositor *depositor; /* in whose queue; NULL: in none */
    int fd;                      /* to be sent, borrowed; of one to be forgotten: held, or -1 */
    bool forgotten;
    char name[];
};

static int compare(const struct kept *left, const struct kept *right)
{
    return strcmp(left->name, right->name);
}

TREE_GENERATE(kept_tree, kept, entry, compare)

/* ---- Names --------------------------------------------------------------------------------------------------------
 */

/* A name that ends like a socket unit's would be taken for the listener at the next start. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);

    if (length < 1 || length > NAME_BYTES || (length >= 7 && !strcmp(name + length - 7, ".socket")))
        return false;
    for (const char *c = name; *c; c++)
        if (*c < ' ' || *c > '~' || *c == ':')
            return false;
    return true;
}

static struct kept *kept_new(const char *name)
{
    size_t size = strlen(name) + 1;
    struct kept *kept = malloc(sizeof *kept + size);

    if (!kept)
        return NULL;
    *kept = (struct kept){.fd = -1};
    memcpy(kept->name, name, size);
    return kept;
}

static struct kept *find(struct fd_store *store, const char *name)
{
    struct kept *kept = RB_ROOT(&store->names);

    while (kept) {
        int order = strcmp(name, kept->name);
        if (order == 0)
            break;
        kept = order < 0 ? RB_LEFT(kept, entry) : RB_RIGHT(kept, entry);
    }
    return kept;
}

static void count_in(struct fd_store *store, struct kept *kept)
{
    RB_INSERT(kept_tree, &store->names, kept);
    store->count++;
    store->name_bytes += strlen(kept->name) + 1;
}

static void count_out(struct fd_store *store, struct kept *kept)
{
    RB_REMOVE(kept_tree, &store->names, kept);
    store->count--;
    store->name_bytes -= strlen(kept->name) + 1;
}

/* ---- Depositors ---------------------------------------------------------------------------------------------------
 */

void depositor_init(struct depositor *depositor, void (*done)(struct depositor *depositor, int fd))
{
    *depositor = (struct depositor){.done = done};
    TAILQ_INIT(&depositor->queue);
}

static void enqueue(struct fd_store *store, struct depositor *depositor, struct kept *kept)
{
    if (TAILQ_EMPTY(&depositor->queue))
        TAILQ_INSERT_TAIL(&store->depositors, depositor, link);
    TAILQ_INSERT_TAIL(&depositor->queue, kept, link);
    kept->depositor = depositor;
    depositor->pending++;
}

static void dequeue(struct fd_store *store, struct kept *kept)
{
    struct depositor *depositor = kept->depositor;

    TAILQ_REMOVE(&depositor->queue, kept, link);
    if (TAILQ_EMPTY(&depositor->queue))
        TAILQ_REMOVE(&store->depositors, depositor, link);
    kept->depositor = NULL;
}

/* The depositor may be gone afterwards. */
static void finish(struct depositor *depositor, int fd)
{
    depositor->pending--;
    depositor->done(depositor, fd);
}

/* ---- Storing and forgetting ---------------------------------------------------------------------------------------
 */

int fd_store_adopt(struct fd_store *store, const char *name)
{
    struct kept *kept;

    if (find(store, name))
        return 0;
    kept = kept_new(name);
    if (!kept)
        return -ENOMEM;
    count_in(store, kept);
    return 0;
}

int fd_store_add(struct fd_store *store, struct depositor *depositor, int fd, const char *name)
{
    struct kept *kept;

    if (!is_name(name))
        return -EINVAL;
    if (find(store, name))
        return -EEXIST;
    if (store->count >= store->max || store->name_bytes + strlen(name) + 1 > SERVICE_STORE_NAMES_BYTES)
        return -ENOSPC;
    kept = kept_new(name);
    if (!kept)
        return -ENOMEM;
    kept->fd = fd;
    count_in(store, kept);
    enqueue(store, depositor, kept);
    return 0;
}

int fd_store_remove(struct fd_store *store, struct depositor *depositor, const char *name, int fd)
{
    struct kept *kept = find(store, name);

    if (!kept)
        return -ENOENT;
    count_out(store, kept);
    if (kept->depositor) {
        depositor = kept->depositor;
        dequeue(store, kept);
        free(kept);
        finish(depositor, fd);
    } else {
        kept->fd = fd;
        kept->forgotten = true;
        enqueue(store, depositor, kept);
    }
    return 0;
}

bool fd_store_keeps(struct fd_store *store, const char *name)
{
    const struct kept *kept = find(store, name);

    return kept && !kept->depositor;
}

/* ---- Messages -----------------------------------------------------------------------------------------------------
 */

/* FDPOLL=0: without it the manager watches what it keeps, and drops a stream when its peer hangs up. */
static int send_one(struct fd_store *store, const struct kept *kept)
{
    char text[NAME_BYTES + 64];
    int length = snprintf(text, sizeof text, "%s\nFDNAME=%s",
                          kept->forgotten ? "FDSTOREREMOVE=1" : "FDSTORE=1\nFDPOLL=0", kept->name);

    return notify_socket_send(store->link, text, (size_t)length, kept->forgotten ? -1 : kept->fd);
}

/* The depositor's next turn is after all others'. */
static void sent(struct fd_store *store, struct kept *kept)
{
    struct depositor *depositor = kept->depositor;

    dequeue(store, kept);
    if (!TAILQ_EMPTY(&depositor->queue)) {
        TAILQ_REMOVE(&store->depositors, depositor, link);
        TAILQ_INSERT_TAIL(&store->depositors, depositor, link);
    }
    store->under_way[store->before + store->since++] =
        (struct sent_message){.depositor = depositor, .fd = kept->forgotten ? kept->fd : -1};
    kept->fd = -1;
    if (kept->forgotten)
        free(kept);
}

static void send_queued(struct fd_store *store)
{
    struct depositor *depositor;

    if (store->rest.running)
        return;
    while ((depositor = TAILQ_FIRST(&store->depositors)) && store->before + store->since < SERVICE_STORE_UNDER_WAY) {
        struct kept *kept = TAILQ_FIRST(&depositor->queue);

        if (send_one(store, kept) < 0)
            return;
        sent(store, kept);
    }
}

/* The oldest are done with. */
static void finish_sent(struct fd_store *store, uint32_t count)
{
    struct sent_message done[SERVICE_STORE_UNDER_WAY];
    uint32_t left = store->before + store->since - count;

    memcpy(done, store->under_way, count * sizeof *done);
    memmove(store->under_way, store->under_way + count, left * sizeof *done);
    store->before = 0;
    store->since = left;
    for (uint32_t i = 0; i < count; i++)
        finish(done[i].depositor, done[i].fd);
}

static void end_barrier(struct fd_store *store)
{
    if (store->barrier < 0)
        return;
    reactor_unwatch(store->link->reactor, store->barrier);
    close(store->barrier);
    store->barrier = -1;
}

static void have_turn(struct timer *timer)
{
    (void)timer; /* that there is a turn is all that is wanted */
}

static void confirmed(struct source *source, const struct minimio_event *event)
{
    struct fd_store *store = container_of(source, struct fd_store, confirmed);
    struct timers *timers = &store->link->reactor->timers;
    int64_t took_ms = (timers->now_ns - store->barrier_ns) / NS_PER_MS;

    (void)event;
    end_barrier(store);
    finish_sent(store, store->before);
    if (took_ms > FD_STORE_PACE_FAST_MS && !store->hurried)
        timer_start(timers, &store->rest, took_ms < FD_STORE_PACE_MAX_MS ? (uint64_t)took_ms : FD_STORE_PACE_MAX_MS,
                    have_turn);
}

static int begin_barrier(struct fd_store *store)
{
    static const char text[] = "BARRIER=1";
    int ends[2];
    int result;

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    result = reactor_watch(store->link->reactor, ends[0], &store->confirmed, MINIMIO_READABLE, MINIMIO_ONESHOT);
    if (result == 0) {
        result = notify_socket_send(store->link, text, sizeof text - 1, ends[1]);
        if (result < 0)
            reactor_unwatch(store->link->reactor, ends[0]);
    }
    close(ends[1]);
    if (result < 0) {
        close(ends[0]);
        return result;
    }
    store->barrier = ends[0];
    store->barrier_ns = store->link->reactor->timers.now_ns;
    store->before = store->since;
    store->since = 0;
    return 0;
}

/* Of one that is not to be sent any more. */
static void drop(struct fd_store *store, struct kept *kept)
{
    struct depositor *depositor = kept->depositor;
    int held = kept->forgotten ? kept->fd : -1;

    dequeue(store, kept);
    if (!kept->forgotten)
        count_out(store, kept);
    free(kept);
    finish(depositor, held);
}

/* The depositor may be gone with the last of its messages. */
static void drop_all(struct fd_store *store, struct depositor *depositor)
{
    struct kept *kept, *next;

    TAILQ_FOREACH_SAFE(kept, &depositor->queue, link, next)
    drop(store, kept);
}

/* With no manager left nothing will ever be confirmed. */
static void give_up(struct fd_store *store)
{
    struct depositor *depositor, *next;

    end_barrier(store);
    finish_sent(store, store->before + store->since);
    TAILQ_FOREACH_SAFE(depositor, &store->depositors, link, next)
    drop_all(store, depositor);
}

/* It is not done with yet. */
static void let_go(struct depositor *depositor, int *fd)
{
    int held = *fd;

    *fd = -1;
    if (held >= 0)
        depositor->done(depositor, held);
}

void fd_store_release_held(struct fd_store *store)
{
    struct depositor *depositor;
    struct kept *kept;

    for (uint32_t i = 0; i < store->before + store->since; i++)
        let_go(store->under_way[i].depositor, &store->under_way[i].fd);
    TAILQ_FOREACH(depositor, &store->depositors, link)
    TAILQ_FOREACH(kept, &depositor->queue, link)
    {
        if (kept->forgotten)
            let_go(depositor, &kept->fd);
    }
}

void fd_store_send(struct fd_store *store)
{
    send_queued(store);
    if (store->since && store->barrier < 0) {
        int result = begin_barrier(store);
        if (result < 0 && result != -EAGAIN && result != -ENOTCONN)
            timer_start(&store->link->reactor->timers, &store->retry, RETRY_MS, have_turn);
    }
    if (!notify_socket_is_open(store->link))
        give_up(store);
}

void fd_store_flush_now(struct fd_store *store)
{
    store->hurried = true;
    timer_stop(&store->link->reactor->timers, &store->rest);
}

bool fd_store_is_synced(const struct fd_store *store)
{
    return TAILQ_EMPTY(&store->depositors) && !store->before && !store->since;
}

/* -------------------------------------------------------------------------------------------------------------------
 */

void fd_store_init(struct fd_store *store, struct notify_socket *link)
{
    *store = (struct fd_store){.confirmed.ready = confirmed, .link = link, .barrier = -1};
    RB_INIT(&store->names);
    TAILQ_INIT(&store->depositors);
}

void fd_store_deinit(struct fd_store *store)
{
    struct kept *kept, *next;

    timer_stop(&store->link->reactor->timers, &store->retry);
    timer_stop(&store->link->reactor->timers, &store->rest);
    give_up(store);
    RB_FOREACH_SAFE(kept, kept_tree, &store->names, next)
    {
        count_out(store, kept);
        free(kept);
    }
}
