/* SPDX-License-Identifier: MIT */
/*
 * The daemon's view of the service manager's descriptor store: the names in the store, and the messages still to be
 * sent.
 *
 * Messages are paced: at most FD_STORE_IN_FLIGHT_MAX are sent and not yet confirmed. The manager confirms messages by
 * closing a pipe that a BARRIER message has passed. After a slow confirmation the daemon pauses for as long as the
 * confirmation took, because the manager compares each new descriptor with all stored descriptors, and prefers the
 * daemon's messages to messages of other services. Depositors take turns, one message each; the messages of one
 * depositor are sent in order.
 *
 * close() of the last copy of a descriptor may block, as the owner of the descriptor likes. So the daemon holds a copy
 * of a descriptor that the manager is to close, until the manager has confirmed the close.
 *
 * Owns the names, the queues and the held copies. Calls the notify socket, the reactor and the depositors.
 */
#ifndef MINIMIO_DAEMON_MANAGER_FD_STORE_H
#define MINIMIO_DAEMON_MANAGER_FD_STORE_H

#include "daemon/base/tree.h"
#include "daemon/manager/notify_socket.h"

#include <stdint.h>

/* Limit of unconfirmed messages. The manager reads one message in each turn of its own loop, so other services do
 * not wait long. */
#define FD_STORE_IN_FLIGHT_MAX 32

/* A confirmation within FAST_MS causes no pause; a pause is at most MAX_MS long. */
#define FD_STORE_PACE_FAST_MS 5
#define FD_STORE_PACE_MAX_MS  250

/* The kernel limits an environment variable to 128 KiB. With more names, LISTEN_FDNAMES would prevent every later
 * start of the daemon. The 1,024 bytes are for the variable's name and the names of sockets. */
#define FD_STORE_NAMES_BYTES (128 * 1024 - 1024)

struct store_entry;
RB_HEAD(store_entry_tree, store_entry);
TAILQ_HEAD(store_entry_list, store_entry);

/* A user of the store, with a queue of its own. */
struct depositor {
    TAILQ_ENTRY(depositor) link;   /* while the queue is not empty */
    struct store_entry_list queue; /* stores and removals that are not sent yet */
    uint32_t pending;              /* messages that are queued, or sent and not yet confirmed */
    /* Called when a message is confirmed or dropped. `fd` is the descriptor held for the message, and belongs to the
     * callee; -1: no descriptor was held. The callee may free the depositor if `pending` is 0. */
    void (*done)(struct depositor *depositor, int fd);
};

TAILQ_HEAD(depositor_list, depositor);

/* A message that is sent and not yet confirmed. */
struct sent_message {
    struct depositor *depositor;
    int fd; /* held until the confirmation; -1: none */
};

struct fd_store {
    struct source confirmed;
    struct timer retry; /* runs after a pipe for a barrier could not be created */
    struct timer pace;  /* runs while sending pauses */
    struct notify_socket *notify;
    struct store_entry_tree names;
    struct depositor_list depositors; /* depositors with queued messages; the first sends next */
    uint32_t max, count;
    size_t name_bytes;  /* total length of the names, with a ':' between them */
    bool unpaced;       /* the daemon is about to end and waits for the store, so sending no longer pauses */
    int64_t barrier_ns; /* when the barrier was sent */
    int barrier;        /* read end of the barrier's pipe; -1: no barrier is in flight */
    uint32_t before;    /* unconfirmed messages sent before the barrier */
    uint32_t since;     /* unconfirmed messages sent after the barrier */
    struct sent_message in_flight[FD_STORE_IN_FLIGHT_MAX]; /* the unconfirmed messages, in the order of sending */
};

void depositor_init(struct depositor *depositor, void (*done)(struct depositor *depositor, int fd));

void fd_store_init(struct fd_store *store, struct notify_socket *notify);
void fd_store_deinit(struct fd_store *store);

/* Records that the manager already holds a descriptor under this name. Error: -ENOMEM. */
int fd_store_adopt(struct fd_store *store, const char *name);

/* As manager_store, manager_forget and manager_keeps. */
int fd_store_add(struct fd_store *store, struct depositor *depositor, int fd, const char *name);
int fd_store_remove(struct fd_store *store, struct depositor *depositor, const char *name, int fd);
bool fd_store_keeps(struct fd_store *store, const char *name);

/* Passes all held descriptors to their depositors now, before the confirmation. */
void fd_store_release_held(struct fd_store *store);

/* Sending pauses no longer: the daemon is about to end, and waits until the manager has processed all messages. */
void fd_store_flush_now(struct fd_store *store);

/* Sends the messages that pacing permits now. */
void fd_store_send(struct fd_store *store);

bool fd_store_is_synced(const struct fd_store *store);

#endif
