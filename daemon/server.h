/* SPDX-License-Identifier: MIT */
/*
 * The daemon: what its parts share, and the order of a turn: all readiness is gathered, then requests are carried out,
 * then the kernel is asked of the streams that were armed again, then readiness is told, then everything goes out, each
 * session's in one send.
 */
#ifndef MINIMIO_DAEMON_SERVER_H
#define MINIMIO_DAEMON_SERVER_H

#include "daemon/manager/manager.h"
#include "daemon/restart/handover.h"
#include "daemon/sessions/context.h"

#include <signal.h>

struct server {
    struct context context;
    struct manager *service;     /* the manager that started us */
    struct timer shutdown_grace; /* how long clients have to read their last lines */
    struct timer trim;           /* when memory of a peak is given back */
    uint32_t peak;               /* of sessions and registrations, since memory was given back */
};

/* What signal handlers ask for. Who sets one wakes the reactor; who has done what was asked clears it. */
struct server_signals {
    volatile sig_atomic_t stop, reload, hand_over, child;
};

/*
 * Opens the socket and whatever else is needed; says in the log what failed. Errors: negative errno. To be freed with
 * server_deinit after an error too.
 */
int server_init(struct server *server, struct config *config, const struct handover *handover);
void server_deinit(struct server *server);

enum { SERVER_STOPPED, SERVER_RELOAD, SERVER_HAND_OVER, SERVER_CHILD };

/*
 * Serves until a signal asks for something. SERVER_STOPPED: the clients were told. Otherwise it goes on when it is
 * called again; SERVER_CHILD: a child process has ended. Errors: negative errno, it cannot go on.
 */
int server_run(struct server *server, const struct server_signals *signals);

/*
 * Tells the clients and ends their sessions, while the listening socket stays and others may connect and wait; and goes
 * on, when nobody took over. Error: negative errno, it cannot go on.
 */
int server_take_leave(struct server *server);
void server_resume(struct server *server);

/* Tells the service manager that the daemon serves, and whom: when it has started, and when it has reloaded. */
void server_ready(struct server *server);

/*
 * Goes by other settings from now on; sessions stay, whatever the new limits are. `*fresh` is taken, and empty
 * afterwards.
 */
void server_reconfigure(struct server *server, struct config *fresh);

#endif
