/* SPDX-License-Identifier: MIT */
/*
 * What the service manager gives a daemon that it started, and what it is told: the listening socket, the descriptors
 * that it kept over a restart, readiness, status, the watchdog. This is the only user of libsystemd.
 *
 * Nothing here blocks. Where no manager started the daemon, or the manager is not of that kind, every function does
 * nothing or says that there is nothing. All of it belongs to the thread that turns the reactor.
 */
#ifndef MINIMIO_DAEMON_MANAGER_MANAGER_H
#define MINIMIO_DAEMON_MANAGER_MANAGER_H

#include "daemon/base/reactor.h"
#include "daemon/manager/fd_store.h"

#include <stdbool.h>
#include <stdint.h>

/* A descriptor's name and the NUL behind it. */
#define MANAGER_NAME_SIZE 256

/* How often the status line is refreshed at most. */
#define SERVICE_STATUS_MS 10000

struct manager;

/*
 * Reads what the manager says in the environment (LISTEN_*, NOTIFY_SOCKET, WATCHDOG_*, FDSTORE) and takes it out of
 * there, so that no child has it. Every descriptor that was passed is made close-on-exec. To be called before there
 * are threads. Errors: -ENOMEM; those of sd_listen_fds(3), which were logged; -EOPNOTSUPP, likewise: descriptors were
 * passed, and this daemon was built without libsystemd.
 */
int manager_new(struct reactor *reactor, struct manager **ret_service);

/* Closes what nobody has taken, and what was still to be stored. NULL is accepted. Always NULL. */
struct manager *manager_free(struct manager *service);

/*
 * The listening Unix stream socket that the manager opened: the one named "minimio.socket", else the only one that is
 * passed as a socket unit's (a name that ends in ".socket", or none). It is the caller's from then on.
 * Error: -ENOENT, there is none, or more than one and none of that name.
 */
int manager_take_listener(struct manager *service);

/*
 * The next descriptor that the manager kept, in the order in which it passed them, and its name; the caller's from then
 * on, and kept by the manager as well until manager_forget. Error: -ENOENT, there are no more.
 */
int manager_take_stored(struct manager *service, char ret_name[MANAGER_NAME_SIZE]);

/*
 * How many descriptors the manager's store takes (the unit's FileDescriptorStoreMax): 0, the default, is no store.
 * A manager that says itself how many (systemd 254 does) and takes fewer is believed.
 */
void manager_set_store_max(struct manager *service, uint32_t max);

/* There is a manager, and it has a store. */
bool manager_has_store(const struct manager *service);

/*
 * Hands the manager a duplicate of `fd` to keep under this name, from the next manager_turn on; `fd` stays the
 * caller's, and open until manager_forget. A name is 1 to 255 printable ASCII characters without ':', does not end in
 * ".socket", and stands for one descriptor. The manager keeps one entry for each open file description: what it has
 * already under another name it ignores, so that a descriptor is renamed by forgetting it first. What manager_turn has
 * sent is kept even if the daemon dies at once afterwards. Depositors' messages are sent in turns, one depositor's in
 * their order, and held back while too much is under way. Errors: -EINVAL, no such name; -EEXIST, the name is in use;
 * -ENOSPC, the store is full, or the names together have reached what the kernel takes for an environment variable
 * (128 KiB); -ENOTCONN, there is no store; -ENOMEM.
 */
int service_store(struct manager *service, struct depositor *depositor, int fd, const char *name);

/*
 * Has the manager close what it keeps under this name, from the next manager_turn on; what was not sent yet never is.
 * Takes `fd`, a duplicate or -1, which stays open until the manager has confirmed that: the manager may otherwise be
 * the last to close the descriptor, and wait. The depositor's `done` then has `fd`; it is called at once if nothing was
 * sent. Error: -ENOENT, nothing is stored under this name; `fd` is the caller's still.
 */
int manager_forget(struct manager *service, struct depositor *depositor, const char *name, int fd);

/* Whether the manager has, or is about to have, a duplicate under this name. */
bool manager_keeps(struct manager *service, const char *name);

/* No descriptor is held any more until the manager confirms anything: for a process that becomes another binary. */
void manager_release_held(struct manager *service);

/* What another process has stored under this name is in the store. Error: -ENOMEM. */
int manager_adopt_entry(struct manager *service, const char *name);

/* The manager has carried out all that service_store and manager_forget asked for. */
bool manager_is_synced(const struct manager *service);

/* The daemon serves: at the start, and after manager_reloading. The status is one line for people, at most 127 bytes.
 */
void manager_ready(struct manager *service, const char *status, ...) __attribute__((format(printf, 2, 3)));

/* Whether it is time to refresh the status; if so, manager_status does. */
bool manager_wants_status(const struct manager *service);
void manager_status(struct manager *service, const char *status, ...) __attribute__((format(printf, 2, 3)));

/* The configuration is being read anew; the daemon is about to end. */
void manager_reloading(struct manager *service);
void manager_stopping(struct manager *service);

/*
 * Puts back into the environment what manager_new took out of it, the passed descriptors excepted: for the program that
 * is to replace this one in this process. Error: -ENOMEM.
 */
int manager_restore_environment(const struct manager *service);

/* Takes it out again, where that failed. */
void manager_clear_environment(void);

/* Once a turn, at its end: feeds the watchdog when half of its time has passed, and sends what waits. */
void manager_turn(struct manager *service);

#endif
