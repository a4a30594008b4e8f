/* SPDX-License-Identifier: MIT */
/*
 * The manager's descriptor store, as seen from here: which names are in it, and what it is still to be told.
 *
 * Messages go out at a pace: at most SERVICE_STORE_UNDER_WAY that the manager has not carried out yet. The manager
 * confirms messages by closing a pipe that a BARRIER message brought it. Where that took long, the manager has as long
 * for others before there is more: it compares each new descriptor with all that it has, and prefers our messages to
 * others'. Depositors take turns, a message each; one depositor's messages go out in their order.
 *
 * Whoever closes the last copy of a descriptor may have to wait for what its owner has set up. So a descriptor that the
 * manager is to close stays open here until the manager has confirmed that.
 */
#ifndef MINIMIO_DAEMON_MANAGER_FD_STORE_H
#define MINIMIO_DAEMON_MANAGER_FD_STORE_H

#include "daemon/base/tree.h"
#include "daemon/manager/notify_socket.h"

#include <stdint.h>

/* The manager reads one message a turn of its own: few enough that others' do not wait for ours. */
#define SERVICE_STORE_UNDER_WAY 32

/* What is no delay worth a rest, and the longest rest. */
#define FD_STORE_PACE_FAST_MS 5
#define FD_STORE_PACE_MAX_MS  250

/* The kernel takes 128 KiB for an environment variable. With more names in LISTEN_FDNAMES the daemon could never be
 * started again; the rest is for the variable's name and the sockets'. */
#define SERVICE_STORE_NAMES_BYTES (128 * 1024 - 1024)

struct kept;
RB_HEAD(kept_tree, kept);
TAILQ_HEAD(kept_list, kept);

/* Who stores descriptors: has a queue of its own. */
struct depositor {
    TAILQ_ENTRY(depositor) link; /* while its queue is not empty */
    struct kept_list queue;      /* stores and forgets that were not sent yet */
    uint32_t pending;            /* messages that are queued, or sent and not confirmed */
    /* A message is done with, and the descriptor that was held for it, unless it is -1, is the receiver's. The
     * depositor may go if nothing more is pending. */
    void (*done)(struct depositor *depositor, int fd);
};

TAILQ_HEAD(depositor_list, depositor);

/* A message that was sent and is not confirmed. */
struct sent_message {
    struct depositor *depositor;
    int fd; /* held until it is confirmed; -1: none */
};

struct fd_store {
    struct source confirmed;
    struct timer retry; /* no pipe could be had */
    struct timer rest;  /* the manager's */
    struct notify_socket *link;
    struct kept_tree names;
    struct depositor_list depositors; /* that have something queued; the first one's turn is next */
    uint32_t max, count;
    size_t name_bytes;                                      /* of all names, with the ':' between them */
    bool hurried;                                           /* the daemon waits for it: there is no rest any more */
    int64_t barrier_ns;                                     /* when it was sent */
    int barrier;                                            /* the pipe's end here; -1: no barrier is under way */
    uint32_t before;                                        /* messages sent before the barrier that is under way */
    uint32_t since;                                         /* messages sent after it */
    struct sent_message under_way[SERVICE_STORE_UNDER_WAY]; /* these, in the order of sending */
};

void depositor_init(struct depositor *depositor, void (*done)(struct depositor *depositor, int fd));

void fd_store_init(struct fd_store *store, struct notify_socket *link);
void fd_store_deinit(struct fd_store *store);

/* Counts in what the manager has already, under whatever name. Error: -ENOMEM. */
int fd_store_adopt(struct fd_store *store, const char *name);

/* As service_store, manager_forget and manager_keeps. */
int fd_store_add(struct fd_store *store, struct depositor *depositor, int fd, const char *name);
int fd_store_remove(struct fd_store *store, struct depositor *depositor, const char *name, int fd);
bool fd_store_keeps(struct fd_store *store, const char *name);

/* Holds nothing any more until the manager confirms it. */
void fd_store_release_held(struct fd_store *store);

/* From here on the manager has no rest: the daemon is about to end, and waits until all is carried out. */
void fd_store_flush_now(struct fd_store *store);

/* Sends what may go out now. */
void fd_store_send(struct fd_store *store);

bool fd_store_is_synced(const struct fd_store *store);

#endif
