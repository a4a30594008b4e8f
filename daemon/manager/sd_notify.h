/* SPDX-License-Identifier: MIT */
/*
 * What the service manager gives a daemon that it started, and what it is told: the listening socket, the descriptors
 * that it kept over a restart, readiness, status, the watchdog. This is the only user of libsystemd.
 *
 * Nothing here blocks. Where no manager started the daemon, or the manager is not of that kind, every function does
 * nothing or says that there is nothing. All of it belongs to the thread that turns the reactor.
 */
#ifndef MINIMIO_DAEMON_MANAGER_SD_NOTIFY_H
#define MINIMIO_DAEMON_MANAGER_SD_NOTIFY_H

#include "daemon/base/reactor.h"
#include "daemon/manager/fd_store.h"

#include <stdbool.h>
#include <stdint.h>

/* A descriptor's name and the NUL behind it. */
#define SERVICE_NAME_SIZE 256

/* How often the status line is refreshed at most. */
#define SERVICE_STATUS_MS 10000

struct service;

/*
 * Reads what the manager says in the environment (LISTEN_*, NOTIFY_SOCKET, WATCHDOG_*, FDSTORE) and takes it out of
 * there, so that no child has it. Every descriptor that was passed is made close-on-exec. To be called before there
 * are threads. Errors: -ENOMEM; those of sd_listen_fds(3), which were logged; -EOPNOTSUPP, likewise: descriptors were
 * passed, and this daemon was built without libsystemd.
 */
int service_new(struct reactor *reactor, struct service **ret_service);

/* Closes what nobody has taken, and what was still to be stored. NULL is accepted. Always NULL. */
struct service *service_free(struct service *service);

/*
 * The listening Unix stream socket that the manager opened: the one named "minimio.socket", else the only one that is
 * passed as a socket unit's (a name that ends in ".socket", or none). It is the caller's from then on.
 * Error: -ENOENT, there is none, or more than one and none of that name.
 */
int service_take_listener(struct service *service);

/*
 * The next descriptor that the manager kept, in the order in which it passed them, and its name; the caller's from then
 * on, and kept by the manager as well until service_forget. Error: -ENOENT, there are no more.
 */
int service_take_stored(struct service *service, char ret_name[SERVICE_NAME_SIZE]);

/*
 * How many descriptors the manager's store takes (the unit's FileDescriptorStoreMax): 0, the default, is no store.
 * A manager that says itself how many (systemd 254 does) and takes fewer is believed.
 */
void service_set_store_max(struct service *service, uint32_t max);

/* There is a manager, and it has a store. */
bool service_has_store(const struct service *service);

/*
 * Hands the manager a duplicate of `fd` to keep under this name, from the next service_turn on; `fd` stays the
 * caller's, and open until service_forget. A name is 1 to 255 printable ASCII characters without ':', does not end in
 * ".socket", and stands for one descriptor. The manager keeps one entry for each open file description: what it has
 * already under another name it ignores, so that a descriptor is renamed by forgetting it first. What service_turn has
 * sent is kept even if the daemon dies at once afterwards. Depositors' messages are sent in turns, one depositor's in
 * their order, and held back while too much is under way. Errors: -EINVAL, no such name; -EEXIST, the name is in use;
 * -ENOSPC, the store is full, or the names together have reached what the kernel takes for an environment variable
 * (128 KiB); -ENOTCONN, there is no store; -ENOMEM.
 */
int service_store(struct service *service, struct depositor *depositor, int fd, const char *name);

/*
 * Has the manager close what it keeps under this name, from the next service_turn on; what was not sent yet never is.
 * Takes `fd`, a duplicate or -1, which stays open until the manager has confirmed that: the manager may otherwise be
 * the last to close the descriptor, and wait. The depositor's `done` then has `fd`; it is called at once if nothing was
 * sent. Error: -ENOENT, nothing is stored under this name; `fd` is the caller's still.
 */
int service_forget(struct service *service, struct depositor *depositor, const char *name, int fd);

/* Whether the manager has, or is about to have, a duplicate under this name. */
bool service_keeps(struct service *service, const char *name);

/* No descriptor is held any more until the manager confirms anything: for a process that becomes another binary. */
void service_let_go(struct service *service);

/* What another process has stored under this name is in the store. Error: -ENOMEM. */
int service_know(struct service *service, const char *name);

/* The manager has carried out all that service_store and service_forget asked for. */
bool service_is_settled(const struct service *service);

/* The daemon serves: at the start, and after service_reloading. The status is one line for people, at most 127 bytes.
 */
void service_ready(struct service *service, const char *status, ...) __attribute__((format(printf, 2, 3)));

/* Whether it is time to refresh the status; if so, service_status does. */
bool service_wants_status(const struct service *service);
void service_status(struct service *service, const char *status, ...) __attribute__((format(printf, 2, 3)));

/* The configuration is being read anew; the daemon is about to end. */
void service_reloading(struct service *service);
void service_stopping(struct service *service);

/*
 * Puts back into the environment what service_new took out of it, the passed descriptors excepted: for the program that
 * is to replace this one in this process. Error: -ENOMEM.
 */
int service_restore_environment(const struct service *service);

/* Takes it out again, where that failed. */
void service_clear_environment(void);

/* Once a turn, at its end: feeds the watchdog when half of its time has passed, and sends what waits. */
void service_turn(struct service *service);

#endif
