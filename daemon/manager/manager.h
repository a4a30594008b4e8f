/* SPDX-License-Identifier: MIT */
/*
 * The interface to the service manager that started the daemon: the listening socket, the descriptors stored over a
 * restart, readiness, status and watchdog. The only user of libsystemd.
 *
 * No function blocks. Without a manager, or with a manager that lacks a feature, a function does nothing or reports
 * that nothing is available. All functions belong to the reactor's thread.
 *
 * Owns the passed descriptors until the caller takes them, and the notify socket. Calls the store, the reactor and the
 * log.
 */
#ifndef MINIMIO_DAEMON_MANAGER_MANAGER_H
#define MINIMIO_DAEMON_MANAGER_MANAGER_H

#include "daemon/base/reactor.h"
#include "daemon/manager/fd_store.h"

#include <stdbool.h>
#include <stdint.h>

/* Size of a descriptor's name, including the NUL. */
#define MANAGER_NAME_SIZE 256

/* Shortest interval between two status lines. */
#define MANAGER_STATUS_MS 10000

struct manager;

/*
 * Reads LISTEN_*, NOTIFY_SOCKET, WATCHDOG_* and FDSTORE from the environment and removes them, so that no child process
 * inherits them. Sets close-on-exec on every passed descriptor. Call before threads are started. Errors: -ENOMEM;
 * errors of sd_listen_fds(3), which are logged; -EOPNOTSUPP, logged as well: descriptors were passed, and this daemon
 * was built without libsystemd.
 */
int manager_new(struct reactor *reactor, struct manager **ret_manager);

/* Closes passed descriptors that were not taken, and drops queued messages. Accepts NULL. Returns NULL. */
struct manager *manager_free(struct manager *manager);

/*
 * Takes the listening Unix stream socket that the manager opened: the socket named "minimio.socket", else the only
 * descriptor passed by a socket unit (the name ends in ".socket", or is missing). The caller owns the socket. Errors:
 * -ENOENT, no socket was passed; -EINVAL, a socket cannot be used, or several were passed and none has the name; the
 * reason is logged.
 */
int manager_take_listener(struct manager *manager);

/*
 * Takes the next stored descriptor, in the order in which the manager passed them, with its name. The caller owns the
 * descriptor; the manager keeps a copy until manager_forget. Error: -ENOENT, no more descriptors.
 */
int manager_take_stored(struct manager *manager, char ret_name[MANAGER_NAME_SIZE]);

/*
 * Sets the capacity of the manager's store (the unit's FileDescriptorStoreMax). 0, the default: no store. If the
 * manager reports a lower capacity in $FDSTORE (since systemd 254), the lower one applies.
 */
void manager_set_store_max(struct manager *manager, uint32_t max);

/* Whether a manager is connected and has a store. */
bool manager_has_store(const struct manager *manager);

/*
 * Queues a duplicate of `fd` for the manager's store under this name; manager_turn sends the message. `fd` stays with
 * the caller, and must stay open until manager_forget. A name has 1 to 255 printable ASCII characters without ':', does
 * not end in ".socket", and stands for one descriptor. The manager stores each open file description once: it ignores a
 * descriptor that is already stored under another name, so renaming requires manager_forget first. A message sent by
 * manager_turn is processed even if the daemon dies at once. Depositors take turns in sending; one depositor's messages
 * are sent in order; sending pauses while too many messages are unconfirmed. Errors: -EINVAL, invalid name; -EEXIST,
 * the name is in use; -ENOSPC, the store is full, or the names together have reached the kernel's limit of an
 * environment variable (128 KiB); -ENOTCONN, no store; -ENOMEM.
 */
int manager_store(struct manager *manager, struct depositor *depositor, int fd, const char *name);

/*
 * Removes the descriptor under this name from the store; manager_turn sends the message. A store that is still queued
 * is dropped. Takes `fd`, a duplicate or -1, and holds `fd` open until the manager has confirmed the removal: otherwise
 * the manager might close the last copy, and block. Then passes `fd` to the depositor's `done`; at once if the store
 * was still queued. Error: -ENOENT, no descriptor is stored under this name; `fd` stays with the caller.
 */
int manager_forget(struct manager *manager, struct depositor *depositor, const char *name, int fd);

/* Whether a duplicate under this name is stored or in flight. */
bool manager_keeps(struct manager *manager, const char *name);

/* Releases all held descriptors without waiting for confirmations: for an exec of another binary. */
void manager_release_held(struct manager *manager);

/* Records that the manager already holds a descriptor under this name, stored by another process. Error: -ENOMEM. */
int manager_adopt_entry(struct manager *manager, const char *name);

/* Whether the manager has processed all messages of manager_store and manager_forget. */
bool manager_is_synced(const struct manager *manager);

/* Reports READY: at the start, and after manager_reloading. The status is one line for people, at most 127 bytes. */
void manager_ready(struct manager *manager, const char *status, ...) __attribute__((format(printf, 2, 3)));

/* Whether the status line is due; manager_status sets the line. */
bool manager_wants_status(const struct manager *manager);
void manager_status(struct manager *manager, const char *status, ...) __attribute__((format(printf, 2, 3)));

/* Reports that the configuration is being reloaded, and that the daemon is about to end. */
void manager_reloading(struct manager *manager);
void manager_stopping(struct manager *manager);

/*
 * Restores the environment that manager_new removed, without the passed descriptors: for the binary that replaces this
 * one by exec. Error: -ENOMEM.
 */
int manager_restore_environment(const struct manager *manager);

/* Removes the environment again, after a failed exec. */
void manager_clear_environment(void);

/* Call at the end of each turn. Pings the watchdog when half of the timeout has passed, and sends queued messages. */
void manager_turn(struct manager *manager);

#endif
